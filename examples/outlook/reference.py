"""Outlook attention with unfold and fold (stride one)."""
import numpy as np

from support import example, softmax


@example("outlook.attn", "outlook", sizes=dict(B=1, H=2, Y=5, X=6, F=4), logits=("A",), also=[dict(Y=1, X=1), dict(Y=0)])
def outlook(A, V):
    B, H, Y, X, F = V.shape
    v = np.zeros_like(V, shape=(B, H, Y + 2, X + 2, F))
    v[:, :, 1:-1, 1:-1] = V
    W, out = softmax(A), np.zeros_like(v)
    for y, x in np.ndindex(Y, X):
        window = v[:, :, y:y + 3, x:x + 3].reshape(B, H, 9, F)
        out[:, :, y:y + 3, x:x + 3] += (W[:, :, y, x] @ window).reshape(B, H, 3, 3, F)
    return out[:, :, 1:-1, 1:-1]
