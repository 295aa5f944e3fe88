"""Top-k attention. Scores are multiples of 1/16, so ties are ties in every arithmetic; the lower key wins."""
import numpy as np

from support import causal, example, identity, softmax


@example("topk.attn", "topk", sizes=dict(B=2, H=2, M=9, N=19, D=16, F=6), consts=dict(TOP=4), exact=True, huge=4.0, tiny=1.0,
         also=[dict(TOP=1), dict(TOP=30), dict(M=20, N=6)])
def topk(Q, K, V, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    S = np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(D)
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    best = np.full((B, H, M, TOP), -1)
    for b, h, m in np.ndindex(B, H, M):
        seen = max(0, min(N, m + N - M + 1))
        order = sorted(range(seen), key=lambda n: (-float(S[b, h, m, n]), n))[:TOP]
        if order:
            best[b, h, m, :len(order)] = order
            out[b, h, m] = softmax(S[b, h, m, order]) @ V[b, h, order]
    return out, best


@identity
def all_keys_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return topk(Q, K, V, 6)[0], softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
