"""Longformer, row by row: the keys that a query sees are listed, then attended."""
import numpy as np

from support import causal, example, identity, over_keys, softmax


def rows(Q, K, V, seen):
    """Attention of every query over those of the positions seen(m) that there are; 0 without any."""
    return over_keys(Q, K, V, lambda m: [n for n in seen(m) if 0 <= n < K.shape[2]])


SQUARE = dict(B=1, H=2, M=23, N=23, D=16, F=6)
SQUARES = [dict(M=1, N=1), dict(M=37, N=37)]


@example("longformer.attn", "longformer", sizes=SQUARE, consts=dict(W=3, GLOBAL=2), lengths=False,
         also=SQUARES + [dict(GLOBAL=0), dict(W=0), dict(W=40), dict(GLOBAL=30)])
def longformer(Q, K, V, W, GLOBAL):
    N = K.shape[2]
    return rows(Q, K, V, lambda m: range(N) if m < GLOBAL else sorted({*range(min(GLOBAL, N)), *range(m - W, m + W + 1)}))


@example("projections.attn", "projections", sizes={**SQUARE, "B": 2}, consts=dict(W=3), lengths=False, logits=("Q", "K", "QG", "KG"),
         draw=dict(GLOBAL=lambda r, s: r.random((s.B, s.N)) < 0.2),
         also=SQUARES + [dict(label="all global", draw=dict(GLOBAL=lambda r, s: np.ones((s.B, s.N), bool))),
                         dict(label="none global", draw=dict(GLOBAL=lambda r, s: np.zeros((s.B, s.N), bool)))])
def projections(Q, K, V, QG, KG, VG, GLOBAL, W):
    N = K.shape[2]
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b in range(len(Q)):
        one = slice(b, b + 1)
        marked = set(np.flatnonzero(GLOBAL[b]))
        local = rows(Q[one], K[one], V[one], lambda m: sorted(marked | set(range(m - W, m + W + 1))))
        everywhere = rows(QG[one], KG[one], VG[one], lambda m: range(N))
        out[one] = np.where(GLOBAL[b][:, None], everywhere, local)
    return out


@example("dilated.attn", "dilated", sizes={**SQUARE, "M": 9}, consts=dict(W=4, DIL=3), also=[dict(DIL=1), dict(W=1), dict(M=30, N=11), dict(W=99, DIL=2)])
def dilated(Q, K, V, W, DIL):
    shift = K.shape[2] - Q.shape[2]
    return rows(Q, K, V, lambda m: [m + shift - DIL * j for j in range(W)])


@example("dilated_heads.attn", "dilated_heads", sizes=SQUARE, consts=dict(W=2), draw=dict(DIL=lambda r, s: np.arange(1, s.H + 1)),
         also=[dict(H=4), dict(W=0), dict(M=9, N=30)])
def dilated_heads(Q, K, V, DIL, W):
    heads = [rows(Q[:, h:h + 1], K[:, h:h + 1], V[:, h:h + 1], lambda m: [m + int(d) * j for j in range(-W, W + 1)]) for h, d in enumerate(DIL)]
    return np.concatenate(heads, 1)


def qkv(rng, n=9):
    return (rng.standard_normal((1, 2, n, 4)) for _ in range(3))


@identity
def a_wide_window_is_dense(rng):
    Q, K, V = qkv(rng)
    return longformer(Q, K, V, 8, 0), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def a_wide_window_without_dilation_is_causal(rng):
    Q, K, V = qkv(rng)
    return dilated(Q, K, V, 9, 1), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V


@identity
def equal_projections_are_one_mask(rng):
    Q, K, V = qkv(rng)
    return projections(Q, K, V, Q, K, V, np.arange(9)[None] < 2, 1), longformer(Q, K, V, 1, 2)
