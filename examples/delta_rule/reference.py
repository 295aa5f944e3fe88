"""The delta rule, with a state and as a triangular system."""
import numpy as np

from support import example

SIZES = dict(B=1, H=2, T=19, D=8, F=6)
DRAW = dict(BETA=lambda r, s: r.random((s.B, s.H, s.T)))


@example("delta_rule.attn", "delta_rule", sizes=SIZES, draw=DRAW, logits=("Q", "V"))
def delta_rule(Q, K, V, BETA):
    T, D = Q.shape[2:]
    k = K / np.maximum(np.sqrt((K * K).sum(-1, keepdims=True)), 1e-6)
    S, rows = np.zeros_like(Q, shape=Q.shape[:2] + (D, V.shape[-1])), []
    for t in range(T):
        known = np.einsum("bhd,bhdf->bhf", k[:, :, t], S)
        S = S + BETA[:, :, t, None, None] * k[:, :, t, :, None] * (V[:, :, t] - known)[..., None, :]
        rows.append(np.einsum("bhd,bhdf->bhf", Q[:, :, t] / np.sqrt(D), S))
    return np.stack(rows, 2) if rows else V


@example("triangular.attn", "delta_triangular", sizes=SIZES, draw=DRAW, logits=("Q", "V"))
def delta_triangular(Q, K, V, BETA):
    return delta_rule(Q, K, V, BETA)
