"""Swin's window attention, as its code does it: roll, cut into windows, attend with a bias and a mask, put back."""
import numpy as np

from support import example, identity, softmax


def cut(x, size):
    """[B,H,Y,X,C] -> [B,H,windows,size*size,C]"""
    B, H, Y, X, C = x.shape
    x = x.reshape(B, H, Y // size, size, X // size, size, C)
    return x.transpose(0, 1, 2, 4, 3, 5, 6).reshape(B, H, -1, size * size, C)


def uncut(x, size, Y, X):
    B, H, _, _, C = x.shape
    x = x.reshape(B, H, Y // size, X // size, size, size, C)
    return x.transpose(0, 1, 2, 4, 3, 5, 6).reshape(B, H, Y, X, C)


@example("swin.attn", "swin", sizes=dict(B=1, H=2, Y=8, X=12, D=16, F=6), consts=dict(WS=4, SH=2),
         also=[dict(SH=0), dict(SH=1), dict(Y=4, X=4), dict(WS=2, SH=1)])
def swin(Q, K, V, T, WS, SH):
    Y, X, D = Q.shape[2:]
    q, k, v = (cut(np.roll(x, (-SH, -SH), (2, 3)), WS) for x in (Q, K, V))
    place = np.stack(np.meshgrid(np.arange(WS), np.arange(WS), indexing="ij"), -1).reshape(-1, 2)
    delta = place[:, None] - place[None] + WS - 1
    S = q @ k.swapaxes(-1, -2) / np.sqrt(D) + T[:, delta[..., 0], delta[..., 1]][:, None]
    if SH:
        bands = lambda n: np.searchsorted([n - WS, n - SH], np.arange(n), side="right")
        region = (3 * bands(Y)[:, None] + bands(X))[None, None, :, :, None]
        region = cut(region, WS)[0, 0, :, :, 0]
        S = S + np.where(region[:, :, None] == region[:, None, :], 0, -100)
    return np.roll(uncut(softmax(S) @ v, WS, Y, X), (SH, SH), (2, 3))


@identity
def one_window_is_dense_with_a_bias(rng):
    Q, K, V = (rng.standard_normal((1, 2, 3, 3, 4)) for _ in range(3))
    flat = lambda x: x.reshape(1, 2, 9, 4)
    return flat(swin(Q, K, V, np.zeros((2, 5, 5)), 3, 0)), softmax(flat(Q) @ flat(K).swapaxes(-1, -2) / 2) @ flat(V)
