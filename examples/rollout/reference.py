"""Attention rollout as a product of matrices."""
import numpy as np

from support import example, softmax


@example("rollout.attn", "rollout", sizes=dict(L=4, B=2, H=3, N=9, D=8), also=[dict(L=1), dict(L=0)])
def rollout(Q, K):
    R = np.zeros_like(Q, shape=(Q.shape[1], Q.shape[3], Q.shape[3]))
    for layer, (q, k) in enumerate(zip(Q, K)):
        A = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])).mean(1)
        step = (A + np.eye(len(A[0]))) / 2
        R = step if layer == 0 else step @ R
    return R
