"""SLA (main branch): block-sparse softmax plus linear attention."""
import numpy as np

from support import example, identity, largest, softmax


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
            best = largest(score, TOP)
            keys = [n for r in best for n in blocks[r]]
            O[b, h, rows] += softmax(Q[b, h, rows] @ K[b, h, keys].T / np.sqrt(D)) @ V[b, h, keys]
    return O


def by_blocks(Q, K, V, BQ, BK, choose, centre):
    """(softmax part, linear part): choose(scores) gives the blocks of each of the two."""
    B, H, M, D = Q.shape
    N = K.shape[2]
    pool = K - K.mean(2, keepdims=True) if centre else K
    blocks = [list(range(a, min(a + BK, N))) for a in range(0, N, BK)]
    exact, linear = (np.zeros_like(Q, shape=(B, H, M, V.shape[-1])) for _ in range(2))
    for b, h in np.ndindex(B, H):
        pooled = np.stack([pool[b, h, block].mean(0) for block in blocks])
        for a in range(0, M, BQ):
            q = Q[b, h, a:a + BQ]
            picked, rest = choose([float(x) for x in pooled @ q.mean(0)])
            keys, others = ([n for r in part for n in blocks[r]] for part in (picked, rest))
            exact[b, h, a:a + BQ] = softmax(q @ K[b, h, keys].T / np.sqrt(D)) @ V[b, h, keys]
            if others:
                weights = softmax(q) @ softmax(K[b, h, others]).T
                linear[b, h, a:a + BQ] = weights @ V[b, h, others] / weights.sum(-1, keepdims=True)
    return exact, linear


def ranked(score):
    return largest(score, len(score))


@example("sla1.attn", "sla1", sizes=dict(B=1, H=2, M=13, N=22, D=16, F=6, E=6), consts=dict(BQ=4, BK=4, TOP=2), exact=True,
         huge=2.0, tiny=1.0, modes=("random", "huge"), lengths=False, also=[dict(TOP=9), dict(M=1, N=1), dict(M=16, N=16)])
def sla1(Q, K, V, PROJ, BIAS, BQ, BK, TOP):
    exact, linear = by_blocks(Q, K, V, BQ, BK, lambda score: (ranked(score)[:TOP], sorted(ranked(score)[TOP:])), True)
    return exact + linear @ PROJ + BIAS


@example("paper.attn", "paper", sizes=dict(B=1, H=2, M=13, N=30, D=16, F=6, E=6), consts=dict(BQ=4, BK=4, TOP=2, LOW=3), exact=True,
         huge=2.0, tiny=1.0, modes=("random", "huge"), lengths=False, also=[dict(TOP=9), dict(LOW=9), dict(M=1, N=1), dict(M=16, N=16)])
def paper(Q, K, V, PROJ, BQ, BK, TOP, LOW):
    def choose(score):
        rest = sorted(ranked(score)[TOP:], key=lambda r: (score[r], r))      # the lowest first
        return ranked(score)[:TOP], sorted(rest[LOW:])
    exact, linear = by_blocks(Q, K, V, BQ, BK, choose, False)
    return exact + linear @ PROJ


@identity
def all_blocks_and_no_projection_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return sla1(Q, K, V, np.zeros((4, 4)), np.zeros(4), 2, 2, 5), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
