"""Linear attention, not causal and causal."""
import numpy as np

from support import example, identity


def feature(x):
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


@example("linear.attn", "linear", sizes=dict(B=2, H=2, M=7, N=19, D=16, F=6))
def linear(Q, K, V):
    W = feature(Q) @ feature(K).swapaxes(-1, -2)
    return W @ V / (W.sum(-1, keepdims=True) + 1e-6)


@example("causal.attn", "causal_linear", sizes=dict(B=2, H=2, T=19, D=8, F=6),
         draw=dict(Z0=lambda r, s: r.random((s.B, s.H, s.D))),
         also=[dict(label="empty state", draw=dict(S0=lambda r, s: np.zeros((s.B, s.H, s.D, s.F)), Z0=lambda r, s: np.zeros((s.B, s.H, s.D))))])
def causal_linear(Q, K, V, S0, Z0):
    q, k, T = feature(Q), feature(K), Q.shape[2]
    W = q @ k.swapaxes(-1, -2) * np.tri(T)
    top = W @ V + q @ S0
    bottom = W.sum(-1) + np.einsum("bhtd,bhd->bht", q, Z0)
    return top / (bottom[..., None] + 1e-6), S0 + k.swapaxes(-1, -2) @ V, Z0 + k.sum(-2)


@identity
def the_last_row_sees_all(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return causal_linear(Q, K, V, np.zeros((1, 2, 4, 4)), np.zeros((1, 2, 4)))[0][:, :, -1:], linear(Q[:, :, -1:], K, V)


@identity
def values_of_one_give_one(rng):
    Q, K = rng.standard_normal((1, 2, 6, 4)) + 2, rng.standard_normal((1, 2, 6, 4))
    W = (feature(Q) @ feature(K).swapaxes(-1, -2)).sum(-1, keepdims=True)
    return linear(Q, K, np.ones((1, 2, 6, 3))) * (1 + 1e-6 / W), np.ones((1, 2, 6, 3))
