"""Attention over the neighbours of points."""
import numpy as np

from support import example, softmax


@example("neighbours.attn", "neighbours", sizes=dict(N=11, H=2, J=5, D=8, F=4),
         draw=dict(IDX=lambda r, s: np.where(r.random((s.N, s.J)) < 0.25, -1, r.integers(0, max(s.N, 1), (s.N, s.J))),
                   NV=lambda r, s: r.standard_normal((s.N, 3)), P=lambda r, s: r.standard_normal((s.N, 3))),
         also=[dict(J=0), dict(label="no neighbours", draw=dict(IDX=lambda r, s: np.full((s.N, s.J), -1)))])
def neighbours(Q, K, V, P, NV, IDX, WS, WV):
    N, H, D = Q.shape
    O = np.zeros_like(Q, shape=(N, H, V.shape[-1]))
    for n in range(N):
        near = [i for i in IDX[n] if 0 <= i < N]
        if near:
            distance = np.sqrt(((P[near] - P[n]) ** 2).sum(-1))
            cross = np.sqrt(np.maximum((NV[n] ** 2).sum() * (NV[near] ** 2).sum(-1) - (NV[near] @ NV[n]) ** 2, 0))
            angle = np.arctan2(cross, NV[near] @ NV[n])
            pair = np.stack([distance, angle], -1)
            for h in range(H):
                a = softmax((K[near, h] + pair @ WS[h]) @ Q[n, h] / np.sqrt(D))
                O[n, h] = a @ (V[near, h] + pair @ WV[h])
    return O
