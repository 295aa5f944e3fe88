"""Attention with linear biases."""
import numpy as np

from support import causal, example, identity, softmax


def slopes(rng, s):
    return 2.0 ** (-8.0 * (np.arange(s.H) + 1) / s.H)


@example("alibi.attn", "alibi", sizes=dict(B=2, H=4, M=7, N=19, D=16, F=6), draw=dict(SLOPE=slopes), also=[dict(M=20, N=9)])
def alibi(Q, K, V, SLOPE):
    M, N = Q.shape[2], K.shape[2]
    distance = (np.arange(M)[:, None] + N - M) - np.arange(N)[None, :]
    S = np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1]) - SLOPE[:, None, None] * distance
    return softmax(S, causal(M, N)) @ V


@identity
def the_bias_is_of_rank_two(rng):
    """-slope*(m - n) is a contraction of [m, 1] with slope*[-1, n]: two more features of queries and keys."""
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    slope, t = slopes(rng, type("S", (), {"H": 2})), np.arange(6.0)
    more = lambda x, a, b: np.concatenate([x, np.stack([a, b], -1)[None]], -1)
    one = np.ones((2, 6))
    Q2, K2 = more(Q, 2 * one * t, 2 * one), more(K, -one * slope[:, None], one * slope[:, None] * t)
    S = np.einsum("bhmd,bhnd->bhmn", Q2, K2) / 2
    return alibi(Q, K, V, slope), softmax(S, causal(6, 6)) @ V
