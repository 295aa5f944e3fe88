"""LoLCATs' hybrid attention as two kinds of weights."""
import numpy as np

from support import example, identity, over_keys, sigmoid


@example("lolcats.attn", "lolcats", sizes=dict(B=1, H=2, M=9, N=21, D=8, E=4, F=5), consts=dict(W=6), huge=4.0, modes=("random", "huge"), also=[dict(W=50), dict(W=1)],
         draw=dict(WQ=lambda r, s: r.standard_normal((s.H, s.D, s.E)) / 4, WK=lambda r, s: r.standard_normal((s.H, s.D, s.E)) / 4))
def lolcats(Q, K, V, WQ, WK, MIX, W):
    M, N, D = Q.shape[2], K.shape[2], Q.shape[3]
    back = np.arange(M)[:, None] + N - M - np.arange(N)
    near, far = (back >= 0) & (back < W), back >= W
    mix = sigmoid(MIX)[:, None, None]
    s = np.where(near, Q @ K.swapaxes(-1, -2) / np.sqrt(D), -np.inf)
    top = s.max(-1, keepdims=True, initial=-np.inf)
    window = mix * np.exp(s - np.where(np.isfinite(top), top, 0))
    xq, xk = Q @ WQ, (K @ WK).swapaxes(-1, -2)
    linear = (1 - mix) * np.where(far, np.exp(xq) @ np.exp(xk) + np.exp(-xq) @ np.exp(-xk), 0)
    total = window.sum(-1, keepdims=True) + linear.sum(-1, keepdims=True)
    return (window @ V + linear @ V) / np.where(total == 0, 1, total)


@identity
def a_window_over_all_keys_is_causal_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    WQ, WK = rng.standard_normal((2, 2, 4, 3))
    return lolcats(Q, K, V, WQ, WK, np.zeros(2), 9), over_keys(Q, K, V, lambda m: range(m + 1))
