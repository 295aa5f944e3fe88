"""Attention calibration, edited row by row."""
import numpy as np

from support import causal, example, softmax


@example("act.attn", "act", sizes=dict(B=1, H=2, N=17, D=16, F=6), params=dict(beta=0.4, threshold=0.2), huge=2.0,
         also=[dict(threshold=2.0), dict(threshold=0.1)])
def act(Q, K, V, beta, threshold):
    B, H, N, D = Q.shape
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(D), causal(N, N))
    column = A.sum(2) / (N - np.arange(N))
    O = np.zeros_like(Q, shape=(B, H, N, V.shape[-1]))
    for b, h in np.ndindex(B, H):
        sink = np.array(column[b, h] > threshold)
        sink[np.flatnonzero(sink)[:1]] = False
        for n in range(N):
            a = A[b, h, n] + 0
            if n > 0:
                taken = (1 - beta) * a[sink].sum()
                a[~sink] = a[~sink] + taken * a[~sink] / a[~sink].sum()
                a[sink] = beta * a[sink]
            O[b, h, n] = a @ V[b, h]
    return O
