"""Attention of a padded batch, sentence by sentence."""
import numpy as np

from support import example, softmax


def lengths(rng, s):
    return np.array([s.N, 0, min(1, s.N), min(5, s.N)])[:s.B]


@example("attention.attn", "attention", sizes=dict(B=4, H=3, M=19, N=19, D=16, F=6), draw=dict(LEN=lengths), lengths=False,
         also=[dict(M=1, N=1), dict(M=0, N=0), dict(M=37, N=37), dict(D=32, F=32)])
def attention(Q, K, V, LEN):
    O = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b, n in enumerate(LEN):
        q, k, v = (x[b, :n].swapaxes(0, 1) for x in (Q, K, V))
        O[b, :n] = (softmax(q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ v).swapaxes(0, 1)
    return O
