"""Titans' linear memory: one gradient step of |W'k - v|^2 a token."""
import numpy as np

from support import example, identity


def rate(top):
    return lambda rng, s: rng.uniform(0, top, (s.B, s.T))


@example("titans.attn", "titans", sizes=dict(B=2, T=13, D=8, F=6), logits=("Q", "V"),
         draw=dict(THETA=rate(0.3), ETA=rate(0.5), ALPHA=rate(0.2)))
def titans(Q, K, V, THETA, ETA, ALPHA):
    B, T, D = Q.shape
    K = K / np.maximum(np.sqrt((K * K).sum(-1, keepdims=True)), 1e-6)
    W = np.zeros_like(Q, shape=(B, D, V.shape[-1]))
    U, rows = np.zeros_like(W), []
    for t in range(T):
        gradient = 2 * K[:, t, :, None] * (np.einsum("bd,bdf->bf", K[:, t], W) - V[:, t])[:, None]
        U = ETA[:, t, None, None] * U - THETA[:, t, None, None] * gradient
        W = (1 - ALPHA[:, t, None, None]) * W + U
        rows.append(np.einsum("bd,bdf->bf", Q[:, t], W))
    return np.stack(rows, 1) if rows else V


@identity
def plain_steps_are_the_delta_rule(rng):
    Q, K, V = (rng.standard_normal((1, 6, 3)) for _ in range(3))
    beta, zero = rng.random((1, 6)), np.zeros((1, 6))
    K = K / np.sqrt((K * K).sum(-1, keepdims=True))
    S, rows = np.zeros((3, 3)), []
    for t in range(6):
        S = S + beta[0, t] * np.outer(K[0, t], V[0, t] - K[0, t] @ S)
        rows.append(Q[0, t] @ S)
    return titans(Q, K, V, beta / 2, zero, zero)[0], np.stack(rows)
