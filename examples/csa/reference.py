"""Gates by channel and by time."""
import numpy as np

from support import example, identity, sigmoid


@example("csa.attn", "csa", sizes=dict(B=2, T=11, C=5, E=4, D=3), consts=dict(W=3), modes=("random", "equal"), also=[dict(W=5)])
def csa(X, R, W1, W2, WT, BT, W):
    T = X.shape[1]
    if T == 0:
        return np.zeros_like(X)
    channel = sigmoid(np.maximum(R.mean(1) @ W1.T, 0) @ W2.T)
    strip = np.pad(R.mean(2), ((0, 0), (W // 2, W // 2)))
    time = sigmoid(sum(WT[j] * strip[:, j:j + T] for j in range(W)) + BT)
    return X * (1 + channel[:, None] + time[..., None])


@identity
def gates_of_zeros_double_the_features(rng):
    X, R = rng.standard_normal((2, 1, 6, 4))
    return csa(X, R, np.zeros((2, 4)), np.zeros((4, 2)), np.zeros(3), np.zeros(()), 3), 2 * X
