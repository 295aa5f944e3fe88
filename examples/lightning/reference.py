"""Lightning attention with a state that decays."""
import numpy as np

from support import example


@example("lightning.attn", "lightning", sizes=dict(B=1, H=4, M=19, N=19, D=16, F=6),
         draw=dict(SLOPE=lambda r, s: 2.0 ** (-8 * (np.arange(s.H) + 1) / s.H)))
def lightning(Q, K, V, SLOPE):
    S = np.zeros_like(Q, shape=(*Q.shape[:2], Q.shape[-1], V.shape[-1]))
    O = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for m in range(Q.shape[2]):
        S = np.exp(-SLOPE)[:, None, None] * S
        if m < K.shape[2]:
            S = S + K[:, :, m, :, None] * V[:, :, m, None, :]
        O[:, :, m] = np.einsum("bhd,bhdf->bhf", Q[:, :, m], S)
    return O
