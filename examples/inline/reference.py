"""InLine attention through its matrix of weights."""
import numpy as np

from support import example, identity


@example("inline.attn", "inline_attention", sizes=dict(B=1, H=2, M=7, N=19, D=16, F=6))
def inline_attention(Q, K, V):
    N = max(K.shape[2], 1)
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]) / N
    return (S + (1 - S.sum(-1, keepdims=True)) / N) @ V


@identity
def rows_sum_to_one(rng):
    Q, K = rng.standard_normal((1, 2, 6, 4)), rng.standard_normal((1, 2, 8, 4))
    return inline_attention(Q, K, np.ones((1, 2, 8, 1))), np.ones((1, 2, 6, 1))
