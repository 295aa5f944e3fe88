"""Routing attention, cluster by cluster."""
import numpy as np

from support import example, identity, softmax


def normal(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)


def nearest(values, count):
    return sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]


@example("routing.attn", "routing", sizes=dict(B=1, H=2, M=17, N=17, C=3, D=16, F=6), consts=dict(OMEGA=6), modes=("random", "huge"),
         also=[dict(OMEGA=64), dict(C=1), dict(OMEGA=1)])
def routing(Q, K, V, MU, OMEGA):
    B, H, M, D = Q.shape
    q, k = normal(Q), normal(K)
    total, count = np.zeros_like(Q, shape=(B, H, M, V.shape[-1])), np.zeros((B, H, M))
    for b, h, c in np.ndindex(B, H, MU.shape[1]):
        rows, keys = (nearest([float(x) for x in t[b, h] @ MU[h, c]], OMEGA) for t in (q, k))
        for m in rows:
            seen = [n for n in keys if n <= m]
            count[b, h, m] += 1
            if seen:
                total[b, h, m] = total[b, h, m] + softmax(k[b, h, seen] @ q[b, h, m]) @ V[b, h, seen]
    return total / (count[..., None] + 1e-2)


@identity
def one_cluster_of_everything_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    dense = softmax(normal(Q) @ normal(K).swapaxes(-1, -2), np.tri(6, dtype=bool)) @ V
    return routing(Q, K, V, np.zeros((2, 1, 4)), 6), dense / 1.01
