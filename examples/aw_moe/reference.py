"""Experts weighed by behaviours."""
import numpy as np

from support import example, identity, softmax


@example("aw_moe.attn", "aw_moe", sizes=dict(B=3, N=11, C=6, D=5, E=4, F=3), modes=("random", "equal"),
         draw=dict(LEN=lambda r, s: np.minimum(s.N, [0, 4, 11])))
def aw_moe(Q, X, W1, W2, WG, Y, LEN):
    B, N, C = X.shape
    target = np.broadcast_to(Q[:, None], X.shape)
    unit = np.maximum(np.concatenate([X, target, X * target], -1) @ W1.reshape(len(W1), 3 * C).T, 0) @ W2
    there = np.arange(N) < LEN[:, None]
    votes = np.einsum("bn,bne->be", np.where(there, unit, 0), X @ WG.T)
    return np.einsum("be,bef->bf", softmax(votes), Y)


@identity
def no_behaviours_is_the_experts_mean(rng):
    X, Y = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 4, 3))
    W1, W2, WG = rng.standard_normal((6, 3, 3)), rng.standard_normal(6), rng.standard_normal((4, 3))
    return aw_moe(X[:, 0], X, W1, W2, WG, Y, np.zeros(2, int)), Y.mean(1)
