"""The Sparse Transformer's sets of positions, query by query."""
import numpy as np

from support import causal, example, identity, over_keys, softmax


def attend(Q, K, V, seen):
    """seen(position of the query) lists its keys; queries in front of the first position see none."""
    shift = K.shape[2] - Q.shape[2]
    return over_keys(Q, K, V, lambda m: sorted(set(seen(m + shift))) if m + shift >= 0 else [])


def local(p, ST):
    return list(range(max(p - ST + 1, 0), p + 1))


def column(p, ST):
    return list(range(p, -1, -ST))


SIZES = dict(B=1, H=2, M=19, N=23, D=16, F=6)
ALSO = [dict(ST=1), dict(ST=64), dict(M=30, N=9), dict(M=23)]


@example("strided.attn", "strided", sizes=SIZES, consts=dict(ST=4), also=ALSO)
def strided(Q, K, V, ST):
    return attend(Q, K, V, lambda p: local(p, ST) + column(p, ST))


@example("fixed.attn", "fixed", sizes=SIZES, consts=dict(ST=5, C=2), also=[dict(ST=2), dict(ST=64), dict(M=30, N=9), dict(C=0), dict(C=5)])
def fixed(Q, K, V, ST, C):
    own = lambda p: range(p // ST * ST, p + 1)
    summary = lambda p: [a + i for a in range(0, p + 1, ST) for i in range(ST - C, ST) if a + i <= p]
    return attend(Q, K, V, lambda p: [*own(p), *summary(p)])


@example("heads.attn", "heads", sizes={**SIZES, "H": 4}, consts=dict(ST=4), also=ALSO)
def heads(Q, K, V, ST):
    one = lambda h: attend(Q[:, h:h + 1], K[:, h:h + 1], V[:, h:h + 1], lambda p: (column if h % 2 else local)(p, ST))
    return np.concatenate([one(h) for h in range(Q.shape[1])], 1)


@identity
def a_stride_of_one_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return strided(Q, K, V, 1), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V


@identity
def whole_blocks_of_summaries_are_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return fixed(Q, K, V, 3, 3), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V
