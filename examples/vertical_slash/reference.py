"""Vertical-slash attention with lists of columns and distances, one query at a time."""
import numpy as np

from support import causal, example, identity, largest, softmax


def attend(Q, K, V, columns, distances):
    """Q [M,D] against K [N,D]; the queries are the last positions."""
    M, N = len(Q), len(K)
    out = np.zeros_like(Q, shape=(M, V.shape[-1]))
    for m in range(M):
        p = m + N - M
        kept = sorted({n for n in columns if n <= p} | {p - l for l in distances if 0 <= p - l <= p and p - l < N})
        if kept:
            out[m] = softmax(K[kept] @ Q[m] / np.sqrt(Q.shape[-1])) @ V[kept]
    return out


@example("vertical_slash.attn", "vertical_slash", sizes=dict(B=1, H=2, M=19, N=23, D=16, F=6),
         draw=dict(COLUMN=lambda r, s: r.random((s.B, s.H, s.N)) < 0.2, BACK=lambda r, s: r.random((s.B, s.H, s.N)) < 0.2),
         also=[dict(M=30, N=9), dict(label="nothing kept", draw={k: lambda r, s: np.zeros((s.B, s.H, s.N), bool) for k in ("COLUMN", "BACK")}),
               dict(label="the diagonal", draw=dict(COLUMN=lambda r, s: np.zeros((s.B, s.H, s.N), bool),
                                                    BACK=lambda r, s: np.broadcast_to(np.arange(s.N) == 0, (s.B, s.H, s.N))))])
def vertical_slash(Q, K, V, COLUMN, BACK):
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b, h in np.ndindex(Q.shape[:2]):
        out[b, h] = attend(Q[b, h], K[b, h], V[b, h], np.flatnonzero(COLUMN[b, h]), np.flatnonzero(BACK[b, h]))
    return out


@example("select.attn", "select", sizes=dict(B=1, H=2, N=40, D=16, F=6), consts=dict(LAST=6, NV=5, NS=7), lengths=False, modes=("random",),
         also=[dict(N=1), dict(N=3), dict(NV=50, NS=1), dict(NV=1, NS=1), dict(LAST=1)])
def select(Q, K, V, LAST, NV, NS):
    B, H, N, D = Q.shape
    out = np.zeros_like(Q, shape=(B, H, N, V.shape[-1]))
    for b, h in np.ndindex(B, H):
        vertical, slash, seen = np.zeros_like(Q, shape=N), np.zeros_like(Q, shape=N), set()
        for p in range(max(N - LAST, 0), N):
            a = softmax(K[b, h, :p + 1] @ Q[b, h, p] / np.sqrt(D))
            vertical[:p + 1] = vertical[:p + 1] + a
            slash[:p + 1] = slash[:p + 1] + a[::-1]
        columns = set(range(min(4, N))) | set(largest(vertical, NV))
        out[b, h] = attend(Q[b, h], K[b, h], V[b, h], columns, set(range(4)) | set(largest(slash, NS)))
    return out


@identity
def every_column_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    all_, none = np.ones((1, 2, 9), bool), np.zeros((1, 2, 9), bool)
    return vertical_slash(Q, K, V, all_, none), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V


@identity
def every_diagonal_is_every_column(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    all_, none = np.ones((1, 2, 9), bool), np.zeros((1, 2, 9), bool)
    return vertical_slash(Q, K, V, none, all_), vertical_slash(Q, K, V, all_, none)
