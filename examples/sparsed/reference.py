"""SparseD's selection and attention by blocks."""
import numpy as np

from support import example, identity, largest, softmax


@example("sparsed.attn", "sparsed", sizes=dict(B=1, H=2, M=13, N=22, D=16, F=6), consts=dict(BS=4, TOP=2), modes=("random",), lengths=False,
         also=[dict(M=1, N=1), dict(TOP=9), dict(BS=64), dict(M=16, N=16)])
def sparsed(Q, K, V, BS, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(H))
    rows, columns = -(-M // BS), -(-N // BS)
    keep, out = np.zeros((B, H, rows, columns), bool), np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b, h, p in np.ndindex(B, H, rows):
        q = slice(p * BS, p * BS + BS)
        weight = [A[b, h, q, r * BS:r * BS + BS].sum() for r in range(columns)]
        best = largest(weight, TOP)
        keep[b, h, p, best] = True
        keys = [n for r in sorted(best) for n in range(r * BS, min(r * BS + BS, N))]
        out[b, h, q] = softmax(Q[b, h, q] @ K[b, h, keys].T / np.sqrt(D)) @ V[b, h, keys]
    return out, keep


@identity
def keeping_every_block_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return sparsed(Q, K, V, 2, 3)[0], softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
