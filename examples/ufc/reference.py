"""Attention over tokens with their costs, and across images by the costs."""
import numpy as np

from support import example, identity, softmax


def unit(x):
    return x / np.maximum(np.sqrt((x ** 2).sum(-1, keepdims=True)), 1e-6)


@example("ufc.attn", "ufc", sizes=dict(B=2, H=2, M=9, N=11, C=6, D=8, F=5), logits=("WQ", "WK"), huge=4.0, lengths=False,
         also=[dict(M=1), dict(N=1), dict(M=0), dict(M=13, N=17)])
def ufc(X, Y, WQ, UQ, WK, UK, VF):
    cost = unit(X) @ unit(Y).swapaxes(-1, -2)
    token = np.concatenate([X, cost], -1)[:, None]
    q, k = (token @ np.concatenate(w, -1).swapaxes(-1, -2) for w in ((WQ, UQ), (WK, UK)))
    A = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(WQ.shape[1]))
    return A @ VF, A @ cost[:, None]


@example("matching.attn", "matching", sizes=dict(B=2, L=3, M=9, N=11, C=6, F=5), params=dict(t=0.125), logits=("X", "Y"), also=[dict(L=1)])
def matching(X, Y, VX, VY, t):
    cost = sum(unit(X)[:, l] @ unit(Y)[:, l].swapaxes(-1, -2) for l in range(X.shape[1])) / X.shape[1] / t
    return softmax(cost) @ VY, softmax(cost.swapaxes(-1, -2)) @ VX


@identity
def costs_that_are_not_projected_leave_attention(rng):
    X, Y, V = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 7, 3)), rng.standard_normal((2, 1, 5, 4))
    eye, none = np.eye(3)[None], np.zeros((1, 3, 7))
    return ufc(X, Y, eye, none, eye, none, V)[0][:, 0], softmax(X @ X.swapaxes(-1, -2) / np.sqrt(3)) @ V[:, 0]
