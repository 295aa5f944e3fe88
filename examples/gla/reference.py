"""Gated linear attention, by its attention form: scores with a decay for every channel."""
import numpy as np

from support import example, identity


@example("gla.attn", "gla", sizes=dict(B=1, H=2, T=13, D=8, F=6), draw=dict(G=lambda r, s: -r.exponential(0.3, (s.B, s.H, s.T, s.D))),
         also=[dict(label="no decay", draw=dict(G=lambda r, s: np.zeros((s.B, s.H, s.T, s.D))))])
def gla(Q, K, V, G):
    T, D = Q.shape[2:]
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    state = np.zeros_like(Q, shape=Q.shape[:2] + (D, V.shape[-1]))
    for l in range(T):
        for t in range(l, T):
            decay = np.exp(G[:, :, l + 1:t + 1].sum(2))
            out[:, :, t] += (Q[:, :, t] * K[:, :, l] * decay).sum(-1, keepdims=True) / np.sqrt(D) * V[:, :, l]
        state = state + (K[:, :, l] * decay)[..., :, None] * V[:, :, l, None, :]
    return out, state


@identity
def a_constant_gate_is_retention(rng):
    Q, K, V = (rng.standard_normal((1, 1, 6, 4)) for _ in range(3))
    t = np.arange(6)
    D = np.where(t[:, None] >= t, 0.8 ** np.maximum(t[:, None] - t, 0), 0)
    return gla(Q, K, V, np.full((1, 1, 6, 4), np.log(0.8)))[0], (Q @ K.swapaxes(-1, -2) / 2 * D) @ V
