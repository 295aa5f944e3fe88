"""Informer's ProbSparse attention."""
import numpy as np

from support import example, identity, softmax


@example("probsparse.attn", "probsparse", sizes=dict(B=2, H=2, M=11, N=16, D=16, F=5, U=6), consts=dict(TOP=4), exact=True, huge=2.0,
         tiny=1.0, draw=dict(SAMPLE=lambda r, s: r.integers(0, s.N, (s.M, s.U))), lengths=False, modes=("random",),
         also=[dict(TOP=1), dict(M=3), dict(U=1)])
def probsparse(Q, K, V, SAMPLE, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    O = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b, h in np.ndindex(B, H):
        O[b, h] = V[b, h].mean(0)
        sampled = np.stack([K[b, h, SAMPLE[m]] @ Q[b, h, m] for m in range(M)])
        spike = sampled.max(-1) - sampled.sum(-1) / N
        for m in sorted(range(M), key=lambda m: (-float(spike[m]), m))[:TOP]:
            O[b, h, m] = softmax(K[b, h] @ Q[b, h, m] / np.sqrt(D)) @ V[b, h]
    return O


@identity
def all_queries_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return probsparse(Q, K, V, rng.integers(0, 6, (6, 3)), 6), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
