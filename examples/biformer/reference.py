"""Bi-level routing attention."""
import numpy as np

from support import example, identity, largest, softmax


@example("biformer.attn", "biformer", sizes=dict(B=1, H=4, N=20, D=4, F=5), consts=dict(RS=4, TOP=2), exact=True, huge=2.0, tiny=1.0,
         modes=("random",), lengths=False, also=[dict(TOP=1), dict(TOP=8), dict(N=4), dict(N=0)])
def biformer(Q, K, V, RS, TOP):
    B, H, N, D = Q.shape
    regions = N // RS
    pool = lambda x: x.reshape(B, H, regions, RS, D).mean(3)
    A = np.einsum("bhrd,bhsd->brs", pool(Q), pool(K))
    O = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b in range(B):
        for r in range(regions):
            best = largest(A[b, r], TOP)
            keys = [s * RS + c for s in best for c in range(RS)]
            rows = slice(r * RS, r * RS + RS)
            w = softmax(Q[b, :, rows] @ K[b][:, keys].swapaxes(-1, -2) / np.sqrt(H * D))
            O[b, :, rows] = w @ V[b][:, keys]
    return O


@identity
def all_regions_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 1, 6, 4)) for _ in range(3))
    return biformer(Q, K, V, 2, 3), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
