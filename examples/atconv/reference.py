"""A convolution whose kernel comes from the image."""
import numpy as np

from support import example, identity, sigmoid


@example("atconv.attn", "atconv", sizes=dict(B=2, C=3, Y=5, X=6), modes=("random", "equal"), also=[dict(Y=1, X=4), dict(Y=3, X=3)])
def atconv(X, WG, WX, W9, B9, LAMBDA):
    B, C, H, W = X.shape
    flat = np.einsum("ce,beyx->bcyx", WG, X).reshape(B, C, H * W)
    bins = [flat[..., p * H * W // 9:-(-(p + 1) * H * W // 9)].mean(-1) for p in range(9)]
    pooled = np.stack(bins, -1)
    taps = (pooled * sigmoid(pooled)) @ W9.T + B9
    taps = taps - sigmoid(LAMBDA)[:, None] * taps.mean(-1, keepdims=True)
    V = np.pad(np.einsum("ce,beyx->bcyx", WX, X), ((0, 0), (0, 0), (1, 1), (1, 1)))
    return sum(taps[..., k, None, None] * V[..., k // 3:k // 3 + H, k % 3:k % 3 + W] for k in range(9))


@identity
def a_kernel_that_is_one_tap_is_a_projection(rng):
    X, W = rng.standard_normal((1, 3, 4, 5)), rng.standard_normal((3, 3))
    return atconv(X, W, W, np.zeros((9, 9)), np.eye(9)[4], np.full(3, -700.0)), np.einsum("ce,beyx->bcyx", W, X)
