"""Softmax attention: every key, causal, and over a window with grouped heads."""
import numpy as np

from support import causal as causal_mask, example, grouped, identity, softmax


@example("softmax.attn", "attention", sizes=dict(B=2, H=3, M=7, N=19, D=16, F=6), also=[dict(D=1, F=1), dict(D=33, F=17)])
def attention(Q, K, V):
    return softmax(np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1])) @ V


@example("any_rank.attn", "any_rank", sizes={"...": (2, 3), "M": 5, "N": 11, "D": 16, "F": 6}, lengths=False,
         also=[{"...": ()}, {"...": (4,)}, {"...": (2, 1, 2)}])
def any_rank(Q, K, V):
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ V


# M > N leaves the first queries without any key.
@example("causal.attn", "causal", sizes=dict(B=2, H=2, M=9, N=19, D=16, F=6), also=[dict(M=19), dict(M=23, N=8)])
def causal(Q, K, V, M, N):
    return softmax(np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1]), causal_mask(M, N)) @ V


@example("windowed.attn", "windowed", sizes=dict(B=2, H=4, G=2, M=9, N=21, D=16, F=6), consts=dict(W=5),
         also=[dict(G=1), dict(G=4), dict(M=25, N=6), dict(W=1), dict(W=100), dict(W=16, M=20, N=40, B=1, H=2)])
def windowed(Q, K, V, W):
    heads, group = Q.shape[1], Q.shape[1] // K.shape[1]
    M, N, D = Q.shape[2], K.shape[2], Q.shape[3]
    out = np.zeros_like(Q, shape=(len(Q), heads, M, V.shape[-1]))
    lse = np.full_like(Q, -np.inf, shape=(len(Q), heads, M))
    for b in range(len(Q)):
        for h in range(heads):
            for m in range(M):
                here = m + N - M
                first, last = max(0, here - W + 1), here + 1
                if last <= 0:
                    continue
                s = K[b, h // group, first:last] @ Q[b, h, m] / np.sqrt(D)
                top = s.max()
                p = np.exp(s - top)
                out[b, h, m] = p @ V[b, h // group, first:last] / p.sum()
                lse[b, h, m] = top + np.log(p.sum())
    return out, lse


@identity
def a_wide_window_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, n, 4)) for n in (5, 8, 8))
    return windowed(Q, K, V, 99)[0], causal(Q, K, V, 5, 8)


@identity
def grouping_is_repeating(rng):
    Q, K, V = rng.standard_normal((1, 4, 5, 4)), rng.standard_normal((1, 2, 5, 4)), rng.standard_normal((1, 2, 5, 3))
    return windowed(Q, K, V, 3)[0], windowed(Q, grouped(K, 4), grouped(V, 4), 3)[0]
