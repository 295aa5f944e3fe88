"""Sparsifiner, query by query."""
import numpy as np

from support import example, identity, softmax


def first(values, count):
    return sorted(range(len(values)), key=lambda i: (-float(values[i]), i))[:count]


@example("sparsifiner.attn", "sparsifiner", sizes=dict(B=1, H=2, N=17, R=5, E=4, D=16, F=6), consts=dict(TOP=3, KEEP=25), params=dict(tau=0.05),
         modes=("random",), lengths=False, also=[dict(N=1), dict(KEEP=100), dict(TOP=8), dict(N=33, KEEP=10)])
def sparsifiner(Q, K, V, QP, KP, DOWN, UP, TOP, KEEP, tau):
    B, H, N, D = Q.shape
    out = np.zeros_like(Q, shape=(B, H, N, V.shape[-1]))
    cut = np.where(UP > np.float32(tau), UP, 0)
    for b, h, n in np.ndindex(B, H, N):
        mix = softmax(DOWN.T @ KP[b, h] @ QP[b, h, n] / np.sqrt(H))
        basis = first(mix, TOP)
        keys = range(N) if n == 0 else first(mix[basis] @ cut[basis], -(-N * KEEP // 100))
        keys = sorted(keys)
        out[b, h, n] = softmax(K[b, h, keys] @ Q[b, h, n] / np.sqrt(D)) @ V[b, h, keys]
    return out


@identity
def keeping_all_is_dense(rng):
    Q, K, V, QP, KP = (rng.standard_normal((1, 2, 6, 4)) for _ in range(5))
    got = sparsifiner(Q, K, V, QP, KP, rng.standard_normal((6, 3)), rng.standard_normal((3, 6)), 2, 100, 0.05)
    return got, softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
