"""MaIR: scans along listed paths."""
import numpy as np

from support import example, identity, sigmoid


def path(rows, columns, width):
    """Pixels of a rows x columns image in the order of the path, by walking it."""
    steps = []
    for s, left in enumerate(range(0, columns, width)):
        across = list(range(left, min(columns, left + width)))
        for r in range(rows):
            y = r if s % 2 == 0 else rows - 1 - r
            steps += [(y, x) for x in (across if r % 2 == 0 else across[::-1])]
    return steps


def paths(Y, X, width):
    plain, turned = path(Y, X, width), path(X, Y, width)
    return [plain, [(Y - 1 - y, X - 1 - x) for y, x in plain], [(x, y) for y, x in turned], [(Y - 1 - x, X - 1 - y) for y, x in turned]]


@example("mair.attn", "mair", sizes=dict(B=1, G=4, Y=3, X=4, C=3, E=2), consts=dict(SW=2), modes=("random",), lengths=False,
         draw=dict(DELTA=lambda r, s: r.random((s.B, 4, s.Y, s.X, s.C)), A=lambda r, s: -r.random((4, s.C, s.E))),
         also=[dict(X=5, SW=4), dict(Y=1)])
def mair(U, DELTA, BM, CM, A, SKIP, WG, BG, Z, SW):
    B, Y, X, C = U.shape
    R = np.zeros_like(U, shape=(B, 4, Y, X, C))
    for g, way in enumerate(paths(Y, X, SW)):
        S = np.zeros_like(U, shape=(B, C, A.shape[-1]))
        for y, x in way:
            dt = DELTA[:, g, y, x, :, None]
            S = np.exp(dt * A[g]) * S + dt * BM[:, g, y, x, None] * U[:, y, x, :, None]
            R[:, g, y, x] = (S * CM[:, g, y, x, None]).sum(-1) + SKIP[g] * U[:, y, x]
    weight = sigmoid(np.einsum("cgk,bkc->bgc", WG, R.mean((2, 3))) + BG.T)
    M = (weight[:, :, None, None] * R).sum(1)
    M = M - M.mean(-1, keepdims=True)
    return M / np.sqrt((M ** 2).mean(-1, keepdims=True) + 1e-5) * Z * sigmoid(Z)


@identity
def every_path_visits_every_pixel_once(rng):
    seen = np.array([sorted(y * 7 + x for y, x in way) for way in paths(5, 7, 3)])
    return seen.astype(float), np.tile(np.arange(35.0), (4, 1))
