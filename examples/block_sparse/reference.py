"""Block-sparse attention, by lists and by a mask of blocks."""
import numpy as np

from support import causal, example, softmax


def lists(rng, s):
    """Distinct blocks in any order, one block beyond the end among them."""
    blocks = -(-max(s.N, 1) // s.BK) + 1
    return np.stack([np.resize(rng.permutation(blocks), s.J) for _ in range(s.B * s.H * s.P)]).reshape(s.B, s.H, s.P, s.J)


def counts(rng, s):
    blocks = -(-max(s.N, 1) // s.BK) + 1
    return rng.integers(0, min(s.J, blocks) + 1, (s.B, s.H, s.P))


@example("block_sparse.attn", "block_sparse", sizes=dict(B=1, H=2, M=19, N=19, D=16, F=6, P=5, J=4), consts=dict(BQ=4, BK=4),
         draw=dict(LIST=lists, CNT=counts), lengths=False,
         also=[dict(M=1, P=1), dict(N=3), dict(BQ=8, P=3), dict(label="nothing kept", draw=dict(CNT=lambda r, s: np.zeros((s.B, s.H, s.P))))])
def block_sparse(Q, K, V, LIST, CNT, BQ, BK):
    B, H, M, D = Q.shape
    N = K.shape[2]
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b, h, m in np.ndindex(B, H, M):
        block = m // BQ
        keys = [n for j in range(CNT[b, h, block]) for n in range(LIST[b, h, block, j] * BK, LIST[b, h, block, j] * BK + BK)
                if n < N and n <= m + N - M]
        if keys:
            out[b, h, m] = softmax(K[b, h, keys] @ Q[b, h, m] / np.sqrt(D)) @ V[b, h, keys]
    return out


@example("block_mask.attn", "block_mask", sizes=dict(B=1, H=2, M=19, N=23, D=16, F=6, P=10, R=10), consts=dict(BS=4))
def block_mask(Q, K, V, KEEP, BS):
    M, N = Q.shape[2], K.shape[2]
    keep = KEEP[:, :, np.arange(M) // BS][..., np.arange(N) // BS] & causal(M, N)
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep) @ V
