"""Decoding over chosen positions."""
import numpy as np

from support import example, identity, largest, softmax


def attend(q, k, v):
    return softmax(k @ q / np.sqrt(len(q))) @ v


EXACT = dict(exact=("Q", "K"), huge=2.0, tiny=1.0, lengths=False)


@example("tidal.attn", "tidal", sizes=dict(B=2, H=2, N=23, D=16, F=6), consts=dict(TOP=5), **EXACT, also=[dict(N=1), dict(TOP=64), dict(N=3)])
def tidal(Q, K, V, Q2, K2, V2, TOP):
    B, H, D = Q.shape
    one, two = (np.zeros_like(Q, shape=(B, H, V.shape[-1])) for _ in range(2))
    kept = np.full((B, H, TOP), -1)
    for b, h in np.ndindex(B, H):
        keys = largest(K[b, h] @ Q[b, h], TOP)
        kept[b, h, :len(keys)] = keys
        one[b, h], two[b, h] = attend(Q[b, h], K[b, h], V[b, h]), attend(Q2[b, h], K2[b, h, keys], V2[b, h, keys])
    return one, two, kept


@example("shared.attn", "shared", sizes=dict(B=2, H=4, G=2, N=23, E=4, D=16, F=6), consts=dict(TOP=5), modes=("random",), lengths=False,
         also=[dict(N=1), dict(TOP=64), dict(G=4), dict(G=1)])
def shared(QD, KD, Q, K, V, TOP):
    B, H, D = Q.shape
    each = H // K.shape[2]
    out = np.zeros_like(Q, shape=(B, H, V.shape[-1]))
    for b, g in np.ndindex(B, K.shape[2]):
        heads = range(g * each, g * each + each)
        weight = np.max([softmax(KD[b, :, g] @ QD[b, h] / np.sqrt(QD.shape[-1])) for h in heads], 0)
        keys = largest(weight, TOP)
        for h in heads:
            out[b, h] = attend(Q[b, h], K[b, keys, g], V[b, keys, g])
    return out


@example("bounds.attn", "bounds", sizes=dict(B=2, H=2, N=23, D=16, F=6), consts=dict(BS=4, TOP=2), **EXACT, also=[dict(N=1), dict(TOP=64), dict(N=3)])
def bounds(Q, K, V, BS, TOP):
    B, H, D = Q.shape
    N = K.shape[2]
    chunks = [list(range(a, min(a + BS, N))) for a in range(0, N, BS)]
    out = np.zeros_like(Q, shape=(B, H, V.shape[-1]))
    for b, h in np.ndindex(B, H):
        q = Q[b, h]
        bound = [np.where(q > 0, q * K[b, h, t].max(0), q * K[b, h, t].min(0)).sum() for t in chunks]
        keys = [n for r in sorted(largest(bound, TOP)) for n in chunks[r]]
        out[b, h] = attend(q, K[b, h, keys], V[b, h, keys])
    return out


@identity
def a_budget_of_everything_is_dense(rng):
    Q, K, V = rng.standard_normal((1, 1, 4)), rng.standard_normal((1, 1, 6, 4)), rng.standard_normal((1, 1, 6, 4))
    return bounds(Q, K, V, 2, 3)[0, 0], softmax(K[0, 0] @ Q[0, 0] / 2) @ V[0, 0]
