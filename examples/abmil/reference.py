"""Gated multiple-instance pooling."""
import numpy as np

from support import example, sigmoid, softmax


@example("abmil.attn", "abmil", sizes=dict(B=3, N=19, D=8, C=6, R=4), logits=("A",),
         draw=dict(LEN=lambda r, s: np.array([s.N, 0, min(1, s.N)])[:s.B]))
def abmil(X, U, W, A, LEN):
    gate = np.tanh(X @ U.T) * sigmoid(X @ W.T)
    keep = (np.arange(X.shape[1]) < LEN[:, None])[:, None]
    Z = softmax((gate @ A.T).swapaxes(1, 2), keep) @ X
    return Z, Z.mean(1)
