"""StreamingLLM, as its cache does it: one token after another, keys rotated again at every step by their slot."""
import numpy as np

from support import example, identity, over_keys, softmax


def frequencies(rng, s):
    half = 100.0 ** (-np.arange(s.D // 2) / (s.D // 2))
    return np.concatenate([half, half])


def rotate(x, slot, omega):
    """Rotates the channel pairs (d, d + D/2) of x[..., t, :] by slot[t]*omega[d]."""
    half = x.shape[-1] // 2
    angle = slot[:, None] * omega[:half]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], -1)


@example("streaming_llm.attn", "streaming_llm", sizes=dict(B=1, H=2, N=23, D=8, F=6), consts=dict(SINKS=2, W=5),
         draw=dict(OMEGA=frequencies), huge=8.0, also=[dict(SINKS=0), dict(W=40), dict(N=40)])
def streaming_llm(Q, K, V, OMEGA, SINKS, W):
    N, D = Q.shape[2:]
    rows = []
    for n in range(N):
        kept = [l for l in range(n + 1) if l < SINKS or n - l < W]
        slot = np.arange(len(kept))
        q = rotate(Q[:, :, n:n + 1], slot[-1:], OMEGA)
        k = rotate(K[:, :, kept], slot, OMEGA)
        rows.append(softmax(q @ k.swapaxes(-1, -2) / np.sqrt(D)) @ V[:, :, kept])
    return np.concatenate(rows, 2) if rows else V


@example("sinks_window.attn", "sinks_window", sizes=dict(B=1, H=2, M=23, N=23, D=16, F=6), consts=dict(SINKS=2, W=5),
         also=[dict(SINKS=0), dict(W=1), dict(W=40), dict(M=9, N=30), dict(M=30, N=9)])
def sinks_window(Q, K, V, SINKS, W):
    M, N = Q.shape[2], K.shape[2]

    def seen(m):
        past = list(range(m + N - M + 1))
        return [n for n in past if n in past[:SINKS] or n in past[-W:]]
    return over_keys(Q, K, V, seen)


@identity
def a_wide_window_with_sinks_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 1, 7, 4)) for _ in range(3))
    return sinks_window(Q, K, V, 2, 7), softmax(Q @ K.swapaxes(-1, -2) / 2, np.tri(7, dtype=bool)) @ V


@identity
def a_wide_window_is_causal_rotary(rng):
    Q, K, V = (rng.standard_normal((1, 1, 7, 4)) for _ in range(3))
    omega, t = np.array([1.0, 0.1, 1.0, 0.1]), np.arange(7)
    S = rotate(Q, t, omega) @ rotate(K, t, omega).swapaxes(-1, -2) / 2
    return streaming_llm(Q, K, V, omega, 2, 9), softmax(S, np.tri(7, dtype=bool)) @ V
