"""Attention with a sink logit: the sink is a key of its own whose value is zero."""
import numpy as np

from support import causal, example, grouped, identity, softmax


@example("sink.attn", "sink", sizes=dict(B=2, H=4, G=2, M=7, N=19, D=16, F=6), consts=dict(W=6),
         also=[dict(M=20, N=5), dict(label="strong sink", draw=dict(SINK=lambda r, s: np.full(s.H, 40.0))),
               dict(label="weak sink", draw=dict(SINK=lambda r, s: np.full(s.H, -200.0)))])
def sink(Q, K, V, SINK, W):
    B, H, M, D = Q.shape
    K, V = grouped(K, H), grouped(V, H)
    N = K.shape[2]
    keep = causal(M, N) & ~causal(M, N, N - M - W)
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(D)
    S = np.concatenate([S, np.broadcast_to(SINK[None, :, None, None], (B, H, M, 1))], -1)
    A = softmax(S, np.concatenate([keep, np.ones((M, 1), bool)], -1))
    return A[..., :N] @ V


@identity
def a_sink_of_minus_infinity_is_none(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return sink(Q, K, V, np.full(2, -1e4), 99), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V


@identity
def off_by_one_is_a_sink_of_zero(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    E = np.exp(Q @ K.swapaxes(-1, -2) / 2) * causal(6, 6)
    return sink(Q, K, V, np.zeros(2), 99), E / (1 + E.sum(-1, keepdims=True)) @ V
