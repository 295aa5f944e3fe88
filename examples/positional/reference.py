"""Positional attention."""
import numpy as np

from support import example, softmax


@example("positional.attn", "positional", sizes=dict(B=3, H=2, M=7, N=19, C=6, D=8, F=5), logits=("P", "R"), huge=6.0)
def positional(P, R, WQ, WK, V):
    q, k = np.einsum("mc,hcd->hmd", P, WQ), np.einsum("nc,hcd->hnd", R, WK)
    return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])) @ V
