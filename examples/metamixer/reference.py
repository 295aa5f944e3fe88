"""Two depthwise convolutions with GELU between them."""
import numpy as np

from support import example, gelu, identity


def depthwise(x, kernel):
    w, (H, W) = kernel.shape[-1], x.shape[2:]
    half = w // 2
    x = np.pad(x, ((0, 0), (0, 0), (half, w - 1 - half), (half, w - 1 - half)))
    return sum(kernel[:, i, j, None, None] * x[..., i:i + H, j:j + W] for i in range(w) for j in range(w))


@example("metamixer.attn", "metamixer", sizes=dict(B=1, C=3, E=4, Y=5, X=6), consts=dict(W=3), modes=("random", "equal"), also=[dict(Y=1, X=2)])
def metamixer(X, WQ, GAIN, BIAS, K, V):
    q = GAIN[:, None, None] * np.einsum("ec,bcyx->beyx", WQ, X) + BIAS[:, None, None]
    return depthwise(gelu(depthwise(q, K)), V)


@identity
def kernels_of_one_tap_leave_a_network_by_pixel(rng):
    X, W = rng.standard_normal((1, 3, 4, 5)), rng.standard_normal((2, 3))
    one = np.zeros((2, 3, 3))
    one[:, 1, 1] = 1
    return metamixer(X, W, np.ones(2), np.zeros(2), one, one), gelu(np.einsum("ec,bcyx->beyx", W, X))
