"""Gates by rows and columns."""
import numpy as np

from support import example, identity, sigmoid


def gate(strip, K, GAIN, BIAS, size):
    B, C, N = strip.shape
    half = K.shape[1] // 2
    around = np.pad(strip, ((0, 0), (0, 0), (half, half)))
    h = sum(K[:, j, None] * around[..., j:j + N] for j in range(K.shape[1])).reshape(B, C // size, size, N)
    h = h - h.mean((2, 3), keepdims=True)
    h = h / np.sqrt((h ** 2).mean((2, 3), keepdims=True) + 1e-5)
    return sigmoid(GAIN[:, None] * h.reshape(B, C, N) + BIAS[:, None])


@example("ela.attn", "ela", sizes=dict(B=1, C=4, Y=5, X=6), consts=dict(W=3, SIZE=2), modes=("random",), also=[dict(Y=1), dict(SIZE=4, W=7)])
def ela(X, K, GAIN, BIAS, SIZE):
    return X * gate(X.mean(3), K, GAIN, BIAS, SIZE)[..., None] * gate(X.mean(2), K, GAIN, BIAS, SIZE)[:, :, None]


@identity
def gates_of_zeros_quarter_the_image(rng):
    X = rng.standard_normal((1, 4, 3, 3))
    return ela(X, np.ones((4, 3)), np.zeros(4), np.zeros(4), 2), X / 4
