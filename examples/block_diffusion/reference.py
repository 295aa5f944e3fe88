"""Block diffusion: the mask put together from its four quadrants."""
import numpy as np

from support import causal, example, identity, over_keys, softmax


def blocks(length, BS):
    return np.array([i // BS for i in range(length)], int)


@example("block_diffusion.attn", "block_diffusion", sizes=dict(B=1, H=2, N=24, D=16, F=6), consts=dict(BS=4), lengths=False,
         also=[dict(N=2), dict(N=22), dict(N=46), dict(BS=1), dict(BS=64)])
def block_diffusion(Q, K, V, BS):
    t = blocks(Q.shape[2] // 2, BS)
    diagonal, offset, lower = t[:, None] == t, t[:, None] > t, t[:, None] >= t
    keep = np.block([[diagonal, offset], [np.zeros_like(lower), lower]])
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep) @ V


@example("sampling.attn", "sampling", sizes=dict(B=1, H=2, M=6, N=22, D=16, F=6), consts=dict(BS=4), also=[dict(M=30, N=9), dict(BS=1), dict(BS=64)])
def sampling(Q, K, V, BS):
    M, N = Q.shape[2], K.shape[2]
    return over_keys(Q, K, V, lambda m: range(min(((m + N - M) // BS + 1) * BS, N)))


@identity
def blocks_of_one_are_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return sampling(Q, K, V, 1), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V


@identity
def the_clean_half_is_block_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 12, 4)) for _ in range(3))
    return block_diffusion(Q, K, V, 2)[:, :, 6:], sampling(Q[:, :, 6:], K[:, :, 6:], V[:, :, 6:], 2)
