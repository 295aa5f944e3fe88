"""DIN's activation unit on concatenated features."""
import numpy as np

from support import example, sigmoid, softmax


@example("din.attn", "din", sizes=dict(B=3, N=19, D=8, C=10, E=5), logits=("W3",),
         draw=dict(LEN=lambda r, s: np.array([s.N, 0, min(3, s.N)])[:s.B]))
def din(Q, K, W1, B1, W2, B2, W3, LEN):
    O = np.zeros_like(Q)
    for b in range(len(Q)):
        scores = []
        for n in range(K.shape[1]):
            q, k = Q[b], K[b, n]
            z = np.concatenate([q, k, q - k, q * k])
            h = sigmoid(W2 @ sigmoid(W1.reshape(len(W1), -1) @ z + B1) + B2)
            scores.append(W3 @ h if n < LEN[b] else W3[0] * 0 - (2.0 ** 32 - 1))
        if scores:
            O[b] = softmax(np.stack(scores) / np.sqrt(Q.shape[1])) @ K[b]
    return O
