"""Sparsemax, row by row: the largest support whose smallest score stays above the threshold."""
import numpy as np

from support import example


def simplex(s):
    """(weights, size of the support) of one row of scores."""
    for size in range(len(s), 0, -1):
        top = np.sort(s)[::-1][:size]
        tau = (top.sum() - 1) / size
        if top[-1] > tau:
            return np.maximum(s - tau, 0), size
    return s, 0


@example("sparsemax.attn", "sparsemax", sizes=dict(B=1, H=2, M=9, N=19, D=16, F=6), exact=True, tiny=1.0, huge=8.0)
def sparsemax(Q, K, V):
    B, H, M, D = Q.shape
    N = K.shape[2]
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    support = np.zeros((B, H, M), int)
    for b, h, m in np.ndindex(B, H, M):
        seen = max(0, m + N - M + 1)
        if seen and N:
            p, support[b, h, m] = simplex(K[b, h, :seen] @ Q[b, h, m] / np.sqrt(D))
            out[b, h, m] = p @ V[b, h, :seen]
    return out, support
