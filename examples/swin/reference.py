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


def windows(length, size, shift):
    """The positions of every window along an axis, the first one begun `shift` pixels inside the image's border."""
    edges = sorted({0, length, *range(shift, length, size)}) if shift else [*range(0, length, size), length]
    return [list(range(a, b)) for a, b in zip(edges, edges[1:])]


def in_windows(Q, K, V, WS, SH, scores):
    """Attention inside each window; scores(q, k, rows, columns) of q, k [B,H,pixels,D]."""
    out = np.zeros_like(Q, shape=Q.shape[:4] + V.shape[4:])
    for ys in windows(Q.shape[2], WS, SH):
        for xs in windows(Q.shape[3], WS, SH):
            box = (slice(None), slice(None)) + np.ix_(ys, xs)
            q, k, v = (t[box].reshape(t.shape[:2] + (-1, t.shape[-1])) for t in (Q, K, V))
            rows, columns = np.repeat(ys, len(xs)), np.tile(xs, len(ys))
            out[box] = (softmax(scores(q, k, rows, columns)) @ v).reshape(Q.shape[:2] + (len(ys), len(xs), -1))
    return out


@example("masked.attn", "masked", sizes=dict(B=1, H=2, Y=9, X=11, D=16, F=6), consts=dict(WS=4, SH=2),
         also=[dict(SH=0), dict(SH=1), dict(Y=1, X=3), dict(WS=2, SH=1), dict(WS=16, SH=8)])
def masked(Q, K, V, WS, SH):
    return in_windows(Q, K, V, WS, SH, lambda q, k, *_: q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))


@example("swin_v2.attn", "swin_v2", sizes=dict(B=1, H=2, Y=9, X=11, D=16, F=6), consts=dict(WS=4, SH=2), modes=("random", "equal", "huge"),
         draw=dict(LS=lambda r, s: np.linspace(1, 6, s.H)), also=[dict(SH=0), dict(Y=1, X=3), dict(WS=2, SH=1)])
def swin_v2(Q, K, V, LS, T, WS, SH):
    Q, K = (x / np.maximum(np.sqrt((x * x).sum(-1, keepdims=True)), 1e-12) for x in (Q, K))
    heat = np.minimum(np.exp(LS), 100)[:, None, None]
    return in_windows(Q, K, V, WS, SH, lambda q, k, y, x: heat * (q @ k.swapaxes(-1, -2)) +
                      T[:, y[:, None] - y + WS - 1, x[:, None] - x + WS - 1])


@identity
def one_window_is_dense_with_a_bias(rng):
    Q, K, V = (rng.standard_normal((1, 2, 3, 3, 4)) for _ in range(3))
    flat = lambda x: x.reshape(1, 2, 9, 4)
    return flat(swin(Q, K, V, np.zeros((2, 5, 5)), 3, 0)), softmax(flat(Q) @ flat(K).swapaxes(-1, -2) / 2) @ flat(V)


@identity
def without_a_bias_the_regions_are_windows_of_the_image(rng):
    Q, K, V = (rng.standard_normal((1, 1, 8, 8, 4)) for _ in range(3))
    return swin(Q, K, V, np.zeros((1, 7, 7)), 4, 1), masked(Q, K, V, 4, 1)
