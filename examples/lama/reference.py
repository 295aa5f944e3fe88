"""LAMA, sentence by sentence."""
import numpy as np

from support import example, softmax


@example("lama.attn", "lama", sizes=dict(B=3, H=4, N=19, D=8), logits=("P", "R"), huge=3.0,
         draw=dict(LEN=lambda r, s: np.array([s.N, 0, min(3, s.N)])[:s.B]))
def lama(X, P, R, LEN):
    O = np.zeros_like(X, shape=(len(X), P.shape[1], X.shape[2]))
    for b, n in enumerate(LEN):
        if n:
            x = X[b, :n]
            a = np.tanh((x.mean(0) @ P)[:, None] * (x @ R).T)
            a = a / np.sqrt((a * a).sum(0))
            O[b] = softmax(a) @ x
    return O
