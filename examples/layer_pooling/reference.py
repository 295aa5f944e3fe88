"""Pooling over the layers of a model."""
import numpy as np

from support import example, identity, softmax


def layernorm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)


@example("layer_pooling.attn", "layer_pooling", sizes=dict(B=3, L=5, N=7, C=6, R=3, H=2, D=4), modes=("random",),
         draw=dict(LEN=lambda r, s: np.minimum(s.N, [0, 4, 7])), also=[dict(L=1)])
def layer_pooling(X, POS, U, WQ, WK, WV, WO, LEN):
    states = np.stack([x[:, :n].sum(1) / max(n, 1) for x, n in zip(X, LEN)]) + POS
    q, y = np.einsum("hdc,rc->hrd", WQ, layernorm(U)), layernorm(states)
    k, v = (np.einsum("hdc,blc->bhld", W, y) for W in (WK, WV))
    O = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])) @ v
    z = (U + np.einsum("chd,bhrd->brc", WO, O)).mean(1)
    return z / np.maximum(np.sqrt((z ** 2).sum(-1, keepdims=True)), 1e-12)


@identity
def one_layer_is_its_own_value(rng):
    X, W = rng.standard_normal((1, 1, 4, 6)), rng.standard_normal((1, 6, 6))
    z = layer_pooling(X, np.zeros((1, 6)), np.zeros((1, 6)), W, W, np.eye(6)[None], np.eye(6)[:, None], np.array([4]))
    one = layernorm(X[:, 0].mean(1))
    return z, one / np.linalg.norm(one)
