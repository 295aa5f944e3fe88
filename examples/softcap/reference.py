"""Soft-capped attention with grouped KV heads."""
import numpy as np

from support import causal, example, grouped, identity, softmax


@example("softcap.attn", "capped", sizes=dict(B=2, H=4, G=2, M=7, N=19, D=16, F=6), params=dict(cap=3.0),
         also=[dict(cap=50.0), dict(cap=0.25)])
def capped(Q, K, V, cap):
    K, V = grouped(K, Q.shape[1]), grouped(V, Q.shape[1])
    S = cap * np.tanh(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]) / cap)
    return softmax(S, causal(Q.shape[2], K.shape[2])) @ V


@identity
def a_high_cap_is_no_cap(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return capped(Q, K, V, 1e9), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
