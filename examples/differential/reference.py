"""Differential attention with its re-parameterised lambda and head-wise RMS norm."""
import numpy as np

from support import causal, example, softmax


def small(rng, s):
    return 0.3 * rng.standard_normal((s.H, s.D))


@example("differential.attn", "differential", sizes=dict(B=2, H=2, M=7, N=19, D=16, F=6), params=dict(lambda0=0.8),
         draw=dict(LQ1=small, LK1=small, LQ2=small, LK2=small), logits=("Q1", "Q2"), also=[dict(lambda0=0.2), dict(M=20, N=9)])
def differential(Q1, Q2, K1, K2, V, LQ1, LK1, LQ2, LK2, lambda0):
    M, N, D = Q1.shape[2], K1.shape[2], Q1.shape[3]
    keep = causal(M, N)
    lam = np.exp((LQ1 * LK1).sum(-1)) - np.exp((LQ2 * LK2).sum(-1)) + lambda0
    first = softmax(Q1 @ K1.swapaxes(-1, -2) / np.sqrt(D), keep) @ V
    second = softmax(Q2 @ K2.swapaxes(-1, -2) / np.sqrt(D), keep) @ V
    U = first - lam[:, None, None] * second
    return (1 - lambda0) * U / np.sqrt((U ** 2).mean(-1, keepdims=True) + 1e-5)
