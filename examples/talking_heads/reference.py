"""Talking-heads attention."""
import numpy as np

from support import example, identity, softmax


@example("talking_heads.attn", "talking_heads", sizes=dict(B=2, H=3, G=4, E=4, M=7, N=19, D=16, F=6))
def talking_heads(Q, K, V, WL, WW):
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    A = softmax(np.einsum("gh,bhmn->bgmn", WL, S))
    return np.einsum("ge,bemn->bgmn", WW, A) @ V


@identity
def silent_heads_are_plain(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return talking_heads(Q, K, V, np.eye(2), np.eye(2)), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
