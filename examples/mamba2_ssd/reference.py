"""Mamba-2's state space duality."""
import numpy as np

from support import example, identity

SIZES = dict(B=2, T=19, H=4, G=2, E=8, F=6)


def steps(rng, s):
    return np.log1p(np.exp(rng.standard_normal((s.B, s.T, s.H)) - 1))


DRAW = dict(DT=steps, A=lambda r, s: -np.exp(r.standard_normal(s.H)))


@example("recurrent.attn", "ssd", sizes=SIZES, draw=DRAW, logits=("X", "CM"), also=[dict(G=1), dict(G=4)])
def ssd(X, DT, A, BM, CM, SKIP):
    B, T, H, F = X.shape
    share = H // BM.shape[2]
    S, rows = np.zeros_like(X, shape=(B, H, BM.shape[-1], F)), []
    for t in range(T):
        b, c = np.repeat(BM[:, t], share, 1), np.repeat(CM[:, t], share, 1)
        S = np.exp(DT[:, t] * A)[..., None, None] * S + b[..., :, None] * (DT[:, t, :, None] * X[:, t])[..., None, :]
        rows.append(np.einsum("bhe,bhef->bhf", c, S) + SKIP[:, None] * X[:, t])
    return np.stack(rows, 1) if rows else X, S


@example("parallel.attn", "ssd_parallel", sizes=SIZES, draw=DRAW, logits=("X", "CM"))
def ssd_parallel(X, DT, A, BM, CM, SKIP):
    """A decay is a difference of two prefix sums, as the cascade has it, with the cancellation that this brings."""
    B, T, H, F = X.shape
    share = H // BM.shape[2]
    total = np.cumsum(DT * A, 1)
    Y = SKIP[:, None] * X
    for t in range(T):
        decay = np.exp(total[:, t, None] - total[:, :t + 1]) * DT[:, :t + 1]
        score = np.repeat(np.einsum("bge,blge->blg", CM[:, t], BM[:, :t + 1]), share, 2)
        Y[:, t] += np.einsum("blh,blhf->bhf", decay * score, X[:, :t + 1])
    return Y


@identity
def recurrence_is_attention(rng):
    s = type("S", (), dict(B=1, T=7, H=2, G=1, E=3, F=4))
    X, BM, CM = rng.standard_normal((1, 7, 2, 4)), rng.standard_normal((1, 7, 1, 3)), rng.standard_normal((1, 7, 1, 3))
    DT, A, SKIP = steps(rng, s), -np.exp(rng.standard_normal(2)), rng.standard_normal(2)
    return ssd(X, DT, A, BM, CM, SKIP)[0], ssd_parallel(X, DT, A, BM, CM, SKIP)
