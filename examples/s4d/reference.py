"""S4D as a convolution with its kernel K[l] = 2 Re sum_e C_e A_e^l."""
import numpy as np

from support import example


def transition(part):
    def draw(rng, s):
        rng = np.random.default_rng(5)
        step, n = 0.1, np.arange(s.E)
        a = np.exp(step * (-0.5 + 1j * np.pi * n)) * np.ones((s.C, 1))
        return getattr(a, part)
    return draw


@example("s4d.attn", "s4d", sizes=dict(B=2, T=19, C=3, E=4), logits=("U",), draw=dict(AR=transition("real"), AI=transition("imag")))
def s4d(U, AR, AI, CR, CI, SKIP):
    T = U.shape[1]
    Y = SKIP * U
    re, im = np.ones_like(AR), np.zeros_like(AR)
    for l in range(T):
        kernel = 2 * (CR * re - CI * im).sum(-1)
        for t in range(l, T):
            Y[:, t] += kernel * U[:, t - l]
        re, im = AR * re - AI * im, AR * im + AI * re
    return Y
