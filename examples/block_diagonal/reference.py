"""Block-diagonal attention: one dense problem for each block."""
import numpy as np

from support import example, identity, softmax


@example("block_diagonal.attn", "block_diagonal", sizes=dict(B=1, H=2, M=22, N=22, D=16, F=6), consts=dict(BS=4),
         also=[dict(BS=1), dict(BS=64), dict(M=9, N=30), dict(M=30, N=9)])
def block_diagonal(Q, K, V, BS):
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for a in range(0, min(Q.shape[2], K.shape[2]), BS):
        t = slice(a, a + BS)
        out[:, :, t] = softmax(Q[:, :, t] @ K[:, :, t].swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ V[:, :, t]
    return out


@identity
def one_block_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return block_diagonal(Q, K, V, 6), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def blocks_of_one_return_the_values(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return block_diagonal(Q, K, V, 1), V
