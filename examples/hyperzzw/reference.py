"""Images as matrices, weighed by a network of coordinates."""
import numpy as np

from support import example, identity


@example("hyperzzw.attn", "hyperzzw", sizes=dict(B=2, C=3, Y=6, X=6, D=4), modes=("random", "equal"), also=[dict(Y=1, X=1), dict(Y=0, X=0)])
def hyperzzw(X, W1, B1, W2, B2):
    size = X.shape[-1]
    at = 2 * np.arange(size) / max(size, 1) - 1
    hidden = np.sin(W1[:, 0, None, None] * at[:, None] + W1[:, 1, None, None] * at + B1[:, None, None])
    kernel = np.einsum("cd,dyx->cyx", W2, hidden) + B2[:, None, None]
    return X * kernel @ X


@identity
def a_kernel_of_ones_squares_the_image(rng):
    X = rng.standard_normal((1, 2, 5, 5))
    return hyperzzw(X, rng.standard_normal((3, 2)), np.zeros(3), np.zeros((2, 3)), np.ones(2)), X @ X
