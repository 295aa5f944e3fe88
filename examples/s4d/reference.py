"""S4D as a convolution with its kernel 2 Re sum_e C_e (exp(A_e dt) - 1)/A_e exp(A_e dt l)."""
import numpy as np

from support import example


def divide(a, b, c, d):
    """(a + ib) / (c + id)"""
    size = c * c + d * d
    return (a * c + b * d) / size, (b * c - a * d) / size


@example("s4d.attn", "s4d", sizes=dict(B=2, T=19, C=3, E=4), logits=("U",),
         draw=dict(LOGDT=lambda r, s: r.uniform(-4, -1, s.C), LOGA=lambda r, s: np.full((s.C, s.E), np.log(0.5)),
                   AIM=lambda r, s: np.pi * np.arange(s.E) * np.ones((s.C, 1))))
def s4d(U, LOGA, AIM, CRE, CIM, LOGDT, SKIP):
    T = U.shape[1]
    step = np.exp(LOGDT)[:, None]
    real = -np.exp(LOGA)
    power = lambda l: (np.exp(real * step * l) * np.cos(AIM * step * l), np.exp(real * step * l) * np.sin(AIM * step * l))
    first = power(1)
    gr, gi = divide(first[0] - 1, first[1], real, AIM)
    cr, ci = CRE * gr - CIM * gi, CRE * gi + CIM * gr
    Y = SKIP * U
    for l in range(T):
        re, im = power(l)
        kernel = 2 * (cr * re - ci * im).sum(-1)
        Y[:, l:] += kernel * U[:, :T - l]
    return Y
