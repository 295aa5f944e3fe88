"""Pooling at several dilations, then attention."""
import numpy as np

from support import example, identity, softmax


def shifted(x, dy, dx):
    """x at (y + dy, x + dx), 0 outside."""
    H, W = x.shape[1:3]
    around = np.pad(x, ((0, 0), (abs(dy), abs(dy)), (abs(dx), abs(dx)), (0, 0)))
    return around[:, abs(dy) + dy:abs(dy) + dy + H, abs(dx) + dx:abs(dx) + dx + W]


@example("tap.attn", "tap", sizes=dict(B=1, Y=3, X=4, C=5, G=3, H=2, D=4), modes=("random",), also=[dict(G=1), dict(Y=1)])
def tap(X, W, WQ, WK, WV):
    taps = [(i // 3 - 1, i % 3 - 1) for i in range(9)]
    logits = sum(np.einsum("byxc,gc->byxg", shifted(X, dy, dx), W[:, :, dy + 1, dx + 1]) for dy, dx in taps)
    weight = softmax(logits)
    mixed = sum(weight[..., g, None] * sum(shifted(X, g * dy, g * dx) for dy, dx in taps) / 9 for g in range(len(W)))
    centred = mixed - mixed.mean(-1, keepdims=True)
    token = (centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)).reshape(X.shape[0], -1, X.shape[-1])
    q, k, v = (np.einsum("hdc,bnc->bhnd", w, token) for w in (WQ, WK, WV))
    O = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])) @ v
    return O.reshape(O.shape[:2] + X.shape[1:3] + O.shape[-1:])


@identity
def dilation_zero_alone_keeps_the_image(rng):
    X = rng.standard_normal((1, 3, 3, 4))
    eye, zero = np.eye(4)[None], np.zeros((1, 4, 4))
    token = (X - X.mean(-1, keepdims=True)).reshape(1, 9, 4)
    token = token / np.sqrt((token ** 2).mean(-1, keepdims=True) + 1e-5)
    return tap(X, np.zeros((1, 4, 3, 3)), zero, zero, eye)[0, 0].reshape(9, 4), np.tile(token.mean(1), (9, 1))
