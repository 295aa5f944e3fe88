"""The gated delta rule, by its state's definition: S = (I - beta k k') exp(g) S + beta k v'."""
import numpy as np

from support import example, identity


def gates(rng, s):
    return -rng.exponential(0.2, (s.B, s.H, s.T))


def unit_interval(rng, s):
    return rng.random((s.B, s.H, s.T))


@example("gated_delta.attn", "gated_delta", sizes=dict(B=2, H=2, T=19, D=8, F=6), draw=dict(G=gates, BETA=unit_interval), logits=("Q", "V"),
         also=[dict(label="no decay", draw=dict(G=lambda r, s: np.zeros((s.B, s.H, s.T)))),
               dict(label="forgets at once", draw=dict(G=lambda r, s: np.full((s.B, s.H, s.T), -200.0)))])
def gated_delta(Q, K, V, G, BETA, S0):
    B, H, T, D = Q.shape
    k = K / np.maximum(np.sqrt((K * K).sum(-1, keepdims=True)), 1e-6)
    S, rows = S0, []
    for t in range(T):
        kt, beta = k[:, :, t], BETA[:, :, t, None, None]
        move = np.eye(D) - beta * kt[..., :, None] * kt[..., None, :]
        S = move @ (np.exp(G[:, :, t, None, None]) * S) + beta * kt[..., :, None] * V[:, :, t, None, :]
        rows.append(np.einsum("bhd,bhdf->bhf", Q[:, :, t] / np.sqrt(D), S))
    return np.stack(rows, 2) if rows else V, S


@identity
def orthonormal_keys_store_their_values(rng):
    """Without decay and with beta = 1, reading along a stored key returns its value."""
    K, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    V = rng.standard_normal((1, 1, 4, 3))
    zero, one = np.zeros((1, 1, 4)), np.ones((1, 1, 4))
    _, S = gated_delta(K[None, None], K[None, None], V, zero, one, np.zeros((1, 1, 4, 3)))
    return K @ S[0, 0], V[0, 0]
