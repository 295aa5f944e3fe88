"""Sliding tile attention, tile by tile over a three-dimensional grid."""
import itertools

import numpy as np

from support import example, identity, softmax


def box(i, count, width):
    """The tiles of a window of `width` round tile i, moved inside."""
    begin = min(max(i - width // 2, 0), max(count - width, 0))
    return range(begin, min(begin + width, count))


@example("sliding_tile.attn", "sliding_tile", sizes=dict(B=1, H=2, N=72, D=16, F=6), lengths=False,
         consts=dict(TS=2, NT=3, NY=3, NX=4, WT=1, WY=3, WX=3),
         also=[dict(WT=3, WY=1, WX=1), dict(WT=3, WY=3, WX=3), dict(N=70), dict(NT=1, N=24), dict(WT=1, WY=1, WX=1)])
def sliding_tile(Q, K, V, TS, NT, NY, NX, WT, WY, WX):
    N, D = Q.shape[2:]
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    tile = lambda t, y, x: [i for i in range(((t * NY + y) * NX + x) * TS, ((t * NY + y) * NX + x + 1) * TS) if i < N]
    for t, y, x in np.ndindex(NT, NY, NX):
        keys = [i for place in itertools.product(box(t, NT, WT), box(y, NY, WY), box(x, NX, WX)) for i in tile(*place)]
        rows = tile(t, y, x)
        if rows:
            out[:, :, rows] = softmax(Q[:, :, rows] @ K[:, :, keys].swapaxes(-1, -2) / np.sqrt(D)) @ V[:, :, keys]
    return out


@identity
def a_window_of_the_whole_video_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 18, 4)) for _ in range(3))
    return sliding_tile(Q, K, V, 2, 1, 3, 3, 1, 3, 3), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
