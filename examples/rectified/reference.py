"""Rectified sparse attention by blocks."""
import numpy as np

from support import example, identity, largest, softmax


@example("rectified.attn", "rectified", sizes=dict(B=1, H=2, M=13, N=22, D=16, F=6), consts=dict(BS=4, TOP=2), modes=("random", "huge"), lengths=False,
         also=[dict(M=1, N=1), dict(TOP=9), dict(BS=64), dict(M=16, N=16)], huge=4.0)
def rectified(Q, K, V, BS, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    blocks = [list(range(a, min(a + BS, N))) for a in range(0, N, BS)]
    for b, h in np.ndindex(B, H):
        k, v = (np.stack([x[b, h, t].mean(0) for t in blocks]) for x in (K, V))
        spread = np.stack([abs(K[b, h, t] - K[b, h, t].mean(0)).mean(0) for t in blocks])
        for a in range(0, M, BS):
            rows = Q[b, h, a:a + BS]
            q = rows.mean(0)
            pooled = k @ q
            share = softmax(pooled / np.sqrt(D))
            best = largest(share, TOP)
            error = abs(k @ abs(rows - q).mean(0)) + abs(spread @ q)
            away = [r for r in range(len(blocks)) if r not in best and abs(pooled[r]) > error[r]]
            near = [r for r in range(len(blocks)) if r not in away]
            keys = [n for r in sorted(best) for n in blocks[r]]
            exact = softmax(rows @ K[b, h, keys].T / np.sqrt(D)) @ V[b, h, keys]
            out[b, h, a:a + BS] = share[near].sum() * exact + share[away] @ v[away]
    return out


@identity
def every_block_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return rectified(Q, K, V, 2, 3), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
