"""Nystrom attention with matrices."""
import numpy as np

from support import example, softmax


@example("nystrom.attn", "nystrom", sizes=dict(B=1, H=2, N=20, D=8, F=5), consts=dict(SEG=5, ITER=6), lengths=False,
         modes=("random", "tiny"), also=[dict(ITER=1), dict(N=10), dict(N=5)])
def nystrom(Q, K, V, SEG, ITER):
    B, H, N, D = Q.shape
    ql, kl = (x.reshape(B, H, N // SEG, SEG, D).mean(3) for x in (Q, K))
    near = lambda a, b: softmax(a @ b.swapaxes(-1, -2) / np.sqrt(D))
    A1, A2, A3 = near(Q, kl), near(ql, kl), near(ql, K)
    Z = A2.swapaxes(-1, -2) / A2.sum(2).max(-1)[..., None, None]
    eye = np.eye(N // SEG)
    for _ in range(ITER):
        X = A2 @ Z
        Z = Z @ (13 * eye - X @ (15 * eye - X @ (7 * eye - X))) / 4
    return A1 @ (Z @ (A3 @ V))
