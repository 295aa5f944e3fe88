"""Gaussian mixture mask attention."""
import numpy as np

from support import example, identity, softmax


@example("gaussian_mask.attn", "gaussian_mask", sizes=dict(B=1, H=2, N=24, D=16, F=6, C=3), consts=dict(GRID=5),
         draw=dict(SIGMA=lambda r, s: r.uniform(0.5, 5, (s.C, s.H))))
def gaussian_mask(Q, K, V, ALPHA, SIGMA, GRID):
    place = np.stack(np.divmod(np.arange(Q.shape[2]), GRID), -1)
    square = ((place[:, None] - place[None]) ** 2).sum(-1)
    mask = sum(a[:, None, None] * np.exp(-square / (2 * (s[:, None, None] ** 2 + 1e-5))) for a, s in zip(ALPHA, SIGMA))
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]) * mask) @ V


@identity
def one_wide_gaussian_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return gaussian_mask(Q, K, V, np.ones((1, 2)), np.full((1, 2), 1e9), 3), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
