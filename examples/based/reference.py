"""Based's Taylor linear attention, by explicit feature vectors."""
import numpy as np

from support import causal, example, identity, softmax


def features(x):
    D = x.shape[-1]
    pairs = (x[..., :, None] * x[..., None, :]).reshape(*x.shape[:-1], D * D)
    return np.concatenate([np.ones_like(x[..., :1]), x / D ** 0.25, pairs / np.sqrt(2 * D)], -1)


@example("based.attn", "based", sizes=dict(B=1, H=2, M=17, N=17, D=4, F=6), also=[dict(M=40, N=40, D=16)])
def based(Q, K, V):
    W = features(Q) @ features(K).swapaxes(-1, -2) * np.tri(Q.shape[2], K.shape[2])
    return W @ V / (W.sum(-1, keepdims=True) + 1e-12)


@example("features.attn", "based_recurrent", sizes=dict(B=1, H=2, T=17, D=4, F=6))
def based_recurrent(Q, K, V):
    return based(Q, K, V)


@example("window.attn", "window", sizes=dict(B=1, H=2, M=19, N=23, D=16, F=6), consts=dict(W=6), also=[dict(W=7), dict(W=1), dict(W=99), dict(M=30, N=9)])
def window(Q, K, V, W):
    M, N = Q.shape[2], K.shape[2]
    keep = causal(M, N) & ~causal(M, N, N - M - W // 2 - 1)
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep) @ V


@identity
def a_wide_window_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return window(Q, K, V, 10), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V


@identity
def the_feature_map_is_the_taylor_series(rng):
    q, k = rng.standard_normal((5, 4)), rng.standard_normal((6, 4))
    z = q @ k.T / 2
    return features(q) @ features(k).T, 1 + z + z * z / 2
