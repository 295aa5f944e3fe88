"""Attention as an RNN: softmax over all prefixes for one fixed query."""
import numpy as np

from support import example, softmax

SIZES = dict(B=2, H=2, T=19, D=16, F=6)


@example("aaren.attn", "aaren", sizes=SIZES)
def aaren(Q, K, V):
    S = np.einsum("hd,bhtd->bht", Q, K) / np.sqrt(Q.shape[-1])
    rows = [(softmax(S[..., None, :t + 1]) @ V[:, :, :t + 1])[:, :, 0] for t in range(K.shape[2])]
    return np.stack(rows, 2) if rows else V


@example("prefix.attn", "prefix_softmax", sizes=SIZES)
def prefix_softmax(Q, K, V):
    return aaren(Q, K, V)
