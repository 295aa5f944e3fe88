"""Mixture-of-head attention (the image-generation form)."""
import numpy as np

from support import example, softmax


@example("moh.attn", "moh", sizes=dict(B=2, H=6, M=7, N=19, D=16, F=6, C=10, R=4), consts=dict(SHARED=2, TOP=2),
         modes=("random", "huge", "tiny"), also=[dict(TOP=3), dict(TOP=4)])
def moh(Q, K, V, X, WR, WS, W0, TOP):
    shared, routed = len(WS), len(WR)
    P, U, W = softmax(X @ WR.T), softmax(X @ WS.T) * shared, 2 * softmax(X @ W0.T)
    best = np.argsort(-P, -1, kind="stable")[..., :TOP]
    mask = np.zeros(P.shape)
    np.put_along_axis(mask, best, 1.0, -1)
    R = P * mask / (P * mask).sum(-1, keepdims=True) * min(TOP, routed)
    gate = np.concatenate([W[..., :1] * U, W[..., 1:] * R], -1)
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))
    return gate.swapaxes(1, 2)[..., None] * (A @ V)
