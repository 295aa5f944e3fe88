"""Bilinear scores of tokens."""
import numpy as np

from support import example, identity, softmax


@example("ofq.attn", "ofq", sizes=dict(B=2, H=2, M=9, C=6, D=4, F=5), logits=("X",), huge=4.0)
def ofq(X, WQ, WK, V):
    q, k = (X[:, None] @ W.swapaxes(-1, -2) for W in (WQ, WK))
    return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(WQ.shape[1])) @ V


@identity
def unit_projections_are_attention_of_the_tokens(rng):
    X, V = rng.standard_normal((2, 9, 4)), rng.standard_normal((2, 1, 9, 3))
    eye = np.eye(4)[None]
    return ofq(X, eye, eye, V)[:, 0], softmax(X @ X.swapaxes(-1, -2) / 2) @ V[:, 0]
