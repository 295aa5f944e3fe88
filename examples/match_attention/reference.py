"""MatchAttention, pixel by pixel."""
import numpy as np

from support import example, softmax


def centres(rank):
    """Off the grid by an eighth at least, so that no rounding changes a floor."""
    def draw(rng, s):
        return rng.integers(-2, getattr(s, rank) + 2, (s.B, s.H, s.Y, s.X)) + rng.uniform(0.125, 0.875, (s.B, s.H, s.Y, s.X))
    return draw


@example("match_attention.attn", "match_attention", sizes=dict(B=1, H=1, Y=6, X=7, D=8, F=5), consts=dict(RAD=1),
         draw=dict(CY=centres("Y"), CX=centres("X")), huge=8.0, also=[dict(RAD=2), dict(RAD=0)])
def match_attention(Q, K, V, CY, CX, RAD):
    B, H, Y, X, D = Q.shape
    O = np.zeros_like(Q, shape=(B, H, Y, X, V.shape[-1]))
    side = 2 * RAD + 1
    for b, h, y, x in np.ndindex(B, H, Y, X):
        cy, cx = np.clip(CY[b, h, y, x], RAD, Y - 1 - RAD - 0.001), np.clip(CX[b, h, y, x], RAD, X - 1 - RAD - 0.001)
        ty, tx = int(np.floor(cy)), int(np.floor(cx))
        fy, fx = cy - ty, cx - tx
        for i, wy in enumerate((1 - fy, fy)):
            for j, wx in enumerate((1 - fx, fx)):
                top, left = ty - RAD + i, tx - RAD + j
                keys = K[b, h, top:top + side, left:left + side]
                s = -np.abs(keys - Q[b, h, y, x]).sum(-1) / np.sqrt(D)
                a = softmax(s, axis=(0, 1))
                O[b, h, y, x] += wy * wx * np.einsum("uw,uwf->f", a, V[b, h, top:top + side, left:left + side])
    return O
