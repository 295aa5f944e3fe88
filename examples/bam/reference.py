"""Attention experts, mixed softly."""
import numpy as np

from support import causal, example, identity, softmax


@example("bam.attn", "bam", sizes=dict(B=1, E=3, H=2, M=7, N=11, D=4, F=5, C=6))
def bam(X, WR, Q, K, V, WO):
    gate = softmax(X @ WR.T)
    s = Q @ K[:, None].swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    O = softmax(s, causal(Q.shape[3], K.shape[2])) @ V[:, None]
    each = np.einsum("behmf,ehfc->bmec", O, WO)
    return (gate[..., None] * each).sum(2)


@identity
def one_expert_is_attention_with_its_output_map(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    X, WO = rng.standard_normal((1, 9, 3)), rng.standard_normal((1, 2, 4, 3))
    return bam(X, rng.standard_normal((1, 3)), Q[:, None], K, V, WO), np.einsum("bhmf,hfc->bmc", softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V, WO[0])
