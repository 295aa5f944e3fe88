"""Window attention over bilinearly sampled keys."""
import numpy as np

from support import example, softmax


def positions(rank):
    def draw(rng, s):
        shape = (s.B, s.H, s.U, s.W, s.J)
        return rng.integers(-2, getattr(s, rank) + 1, shape) + rng.uniform(0.125, 0.875, shape)
    return draw


@example("windows_sampled.attn", "windows_sampled", sizes=dict(B=1, H=2, Y=6, X=8, U=2, W=2, J=5, D=8, F=4), consts=dict(WS=4),
         draw=dict(PY=positions("Y"), PX=positions("X")), also=[dict(Y=8)])
def windows_sampled(Q, K, V, PY, PX, WS):
    B, H, Y, X, D = Q.shape

    def sample(x, b, h, py, px):
        y, r = int(np.floor(py)), int(np.floor(px))
        out = x[b, h, 0, 0] * 0
        for cy, wy in ((y, 1 - (py - y)), (y + 1, py - y)):
            for cx, wx in ((r, 1 - (px - r)), (r + 1, px - r)):
                if 0 <= cy < Y and 0 <= cx < X:
                    out = out + wy * wx * x[b, h, cy, cx]
        return out
    O = np.zeros_like(Q, shape=(B, H, Y, X, V.shape[-1]))
    for b, h, u, w in np.ndindex(B, H, *PY.shape[2:4]):
        spots = list(zip(PY[b, h, u, w], PX[b, h, u, w]))
        k = np.stack([sample(K, b, h, *spot) for spot in spots])
        v = np.stack([sample(V, b, h, *spot) for spot in spots])
        for y in range(u * WS, min(u * WS + WS, Y)):
            for x in range(w * WS, min(w * WS + WS, X)):
                O[b, h, y, x] = softmax(k @ Q[b, h, y, x] / np.sqrt(D)) @ v
    return O
