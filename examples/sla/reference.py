"""SLA (main branch): block-sparse softmax plus linear attention."""
import numpy as np

from support import example, softmax


@example("sla.attn", "sla", sizes=dict(B=1, H=2, M=13, N=22, D=16, F=6, E=6), consts=dict(BQ=4, BK=4, TOP=2), exact=True,
         huge=2.0, tiny=1.0, modes=("random", "huge"), lengths=False, also=[dict(TOP=9), dict(M=1, N=1), dict(M=16, N=16)])
def sla(Q, K, V, PROJ, BIAS, BQ, BK, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    centred = K - K.mean(2, keepdims=True)
    blocks = [list(range(a, min(a + BK, N))) for a in range(0, N, BK)]
    pooled = np.stack([centred[:, :, block].mean(2) for block in blocks], 2)
    linear = softmax(Q) @ softmax(K).swapaxes(-1, -2)
    O = linear @ V / (linear.sum(-1, keepdims=True) + 1e-5) @ PROJ + BIAS
    for b, h in np.ndindex(B, H):
        for a in range(0, M, BQ):
            rows = slice(a, min(a + BQ, M))
            score = pooled[b, h] @ Q[b, h, rows].mean(0)
            best = sorted(range(len(blocks)), key=lambda r: (-float(score[r]), r))[:TOP]
            keys = [n for r in best for n in blocks[r]]
            O[b, h, rows] += softmax(Q[b, h, rows] @ K[b, h, keys].T / np.sqrt(D)) @ V[b, h, keys]
    return O
