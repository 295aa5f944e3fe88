"""Flamingo's gated cross-attention, token by token."""
import numpy as np

from support import example, identity, softmax


@example("flamingo.attn", "flamingo", sizes=dict(B=2, H=2, M=13, N=12, D=16, F=6, E=10), consts=dict(R=4),
         draw=dict(IMAGE=lambda r, s: r.random((s.B, s.M)) < 0.25),
         also=[dict(R=5), dict(R=1), dict(label="no image", draw=dict(IMAGE=lambda r, s: np.zeros((s.B, s.M), bool))),
               dict(label="more markers than images", N=4, draw=dict(IMAGE=lambda r, s: np.ones((s.B, s.M), bool)))])
def flamingo(X, Q, K, V, WO, IMAGE, ALPHA, R):
    B, H, M, D = Q.shape
    out = X * 1
    for b in range(B):
        image = None
        for m in range(M):
            if IMAGE[b, m]:
                image = 0 if image is None else image + 1
            t = slice(0, 0) if image is None else slice(image * R, image * R + R)
            if K[b, :, t].shape[1]:
                a = softmax(np.einsum("hd,hnd->hn", Q[b, :, m], K[b, :, t]) / np.sqrt(D))
                y = np.einsum("hf,hfe->e", np.einsum("hn,hnf->hf", a, V[b, :, t]), WO)
                out[b, m] = X[b, m] + np.tanh(ALPHA) * y
    return out


@identity
def one_image_in_front_is_cross_attention(rng):
    Q, K, V = (rng.standard_normal((1, 1, 5, 4)) for _ in range(3))
    marker = np.arange(5)[None] == 0
    got = flamingo(np.zeros((1, 5, 4)), Q, K, V, np.eye(4)[None], marker, np.array(0.3), 5)
    return got, np.tanh(0.3) * (softmax(Q @ K.swapaxes(-1, -2) / 2) @ V)[:, 0]
