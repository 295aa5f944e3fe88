"""SDIM with explicit buckets: a table of sums for each hash and code."""
import numpy as np

from support import example


@example("sdim.attn", "sdim", sizes=dict(B=3, M=5, N=29, D=16, J=4, C=3), logits=("Q", "X"), modes=("random", "huge", "tiny"),
         draw=dict(LEN=lambda r, s: np.array([s.N, 0, min(s.N, 7)])[:s.B],
                   R=lambda r, s: r.integers(-2, 3, (s.D, s.J, s.C)), Q=lambda r, s: r.integers(-8, 9, (s.B, s.M, s.D)) / 4,
                   X=lambda r, s: r.integers(-8, 9, (s.B, s.N, s.D)) / 4))
def sdim(Q, X, R, LEN):
    code = lambda x: (np.einsum("bnd,djc->bnjc", x, R) > 0) @ (1 << np.arange(R.shape[2]))
    qc, xc = code(Q), code(X)
    B, M, D = Q.shape
    O = np.zeros_like(Q)
    for b in range(B):
        for j in range(R.shape[1]):
            table = np.zeros_like(Q, shape=(1 << R.shape[2], D))
            for n in range(LEN[b]):
                table[xc[b, n, j]] += X[b, n]
            for m in range(M):
                hit = table[qc[b, m, j]]
                O[b, m] += hit / np.maximum(np.sqrt((hit * hit).sum()), 1e-6) / R.shape[1]
    return O
