"""The distance bias as a contraction over five features."""
import numpy as np

from support import example, softmax


@example("distance_bias.attn", "distance_bias", sizes=dict(B=1, H=2, M=7, N=19, D=16, F=5), draw=dict(X=lambda r, s: r.random((s.M, 3)), Y=lambda r, s: r.random((s.N, 3))))
def distance_bias(Q, K, V, W, X, Y):
    size = lambda p: (p * p).sum(-1, keepdims=True)
    left = np.concatenate([2 * X, -size(X), -np.ones_like(X[:, :1])], -1)
    right = np.concatenate([Y, np.ones_like(Y[:, :1]), size(Y)], -1)
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]) + W[..., None] * (left @ right.T)
    return softmax(S) @ V
