"""FlexPrefill's query-aware block selection, pair by pair."""
import numpy as np

from support import causal, example, identity, softmax


@example("query_aware.attn", "query_aware", sizes=dict(B=1, H=2, M=23, N=23, D=16, F=6), consts=dict(BS=4, GAMMA=60), modes=("random",), lengths=False,
         also=[dict(M=1, N=1), dict(GAMMA=0), dict(GAMMA=100), dict(BS=64), dict(M=40, N=40, BS=5)])
def query_aware(Q, K, V, BS, GAMMA):
    B, H, N, D = Q.shape
    out = np.zeros_like(Q, shape=(B, H, N, V.shape[-1]))
    count = -(-N // BS)
    block = [range(r * BS, min(r * BS + BS, N)) for r in range(count)]
    for b, h in np.ndindex(B, H):
        qb, kb = (np.stack([x[b, h, t].mean(0) for t in block]) for x in (Q, K))
        A = softmax(qb @ kb.T / np.sqrt(D), causal(count, count))
        pairs = sorted(((p, r) for p in range(count) for r in range(p + 1)), key=lambda x: (-float(A[x]), x))
        kept, covered = {(p, r) for p in range(count) for r in (0, p)}, 0.0
        for pair in pairs:
            covered = covered + float(A[pair])
            if covered <= GAMMA / 100 * count:
                kept.add(pair)
        for n in range(N):
            keys = [l for l in range(n + 1) if (n // BS, l // BS) in kept]
            out[b, h, n] = softmax(K[b, h, keys] @ Q[b, h, n] / np.sqrt(D)) @ V[b, h, keys]
    return out


@identity
def covering_more_than_all_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return query_aware(Q, K, V, 2, 101), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
