"""Gaussian adaptive attention."""
import numpy as np

from support import example


@example("gaam.attn", "gaam", sizes=dict(B=2, H=2, N=19, C=3, I=4), logits=("X",), modes=("random", "huge"), lengths=False,
         draw=dict(DELTA=lambda r, s: r.uniform(-0.5, 0.5, (s.I, s.H)), WIDTH=lambda r, s: r.uniform(0.75, 1.5, (s.I, s.H))),
         also=[dict(N=2), dict(N=37), dict(I=1)])
def gaam(X, DELTA, WIDTH):
    mean = X.mean(2, keepdims=True)
    variance = ((X - mean) ** 2).sum(2, keepdims=True) / (X.shape[2] - 1) + 1e-8
    y = (X - mean) / np.sqrt(variance)
    log_weight = 0 * y
    for delta, width in zip(DELTA[:, None, :, None, None], WIDTH[:, None, :, None, None]):
        log_weight = log_weight - (y - delta) ** 2 / (2 * width ** 2) - np.log(2 * np.pi * width ** 2) / 2
    g = np.exp(log_weight)
    return X * g / np.maximum(g.sum(2, keepdims=True), 1e-8)
