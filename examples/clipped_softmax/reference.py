"""Clipped softmax over a padded batch."""
import numpy as np

from support import example, identity, softmax


@example("clipped.attn", "clipped", sizes=dict(B=3, H=2, M=7, N=19, D=16, F=6), params=dict(gamma=-0.03, eta=1.0),
         draw=dict(LEN=lambda r, s: np.array([0, s.N, min(s.N, 5)])[:s.B]), also=[dict(gamma=-0.125, eta=1.25)])
def clipped(Q, K, V, LEN, gamma, eta):
    keep = np.arange(K.shape[2]) < LEN[:, None, None, None]
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep)
    C = np.minimum(1, np.maximum(0, (eta - gamma) * A + gamma))
    return (C * keep) @ V


@identity
def no_stretching_is_softmax(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return clipped(Q, K, V, np.array([6]), 0.0, 1.0), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
