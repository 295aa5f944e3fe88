"""Attention weights mixed with the identity matrix."""
import numpy as np

from support import example, softmax


@example("softpag.attn", "softpag", sizes=dict(B=1, H=4, N=19, D=16, F=6), params=dict(u=0.25), draw=dict(SEL=lambda r, s: np.arange(s.H) % 2 == 0))
def softpag(Q, K, V, SEL, u):
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))
    mixed = (1 - u) * A + u * np.eye(Q.shape[2])
    return np.where(SEL[:, None, None], mixed, A) @ V
