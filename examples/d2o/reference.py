"""D2O's eviction and merging, a token at a time."""
import numpy as np

from support import example, identity, largest


@example("d2o.attn", "d2o", sizes=dict(B=2, H=2, N=17, D=4, F=5), consts=dict(HEAVY=3, RECENT=5, SINKS=2), modes=("random",),
         draw=dict(W=lambda r, s: r.integers(0, 64, (s.B, s.H, s.N)) / 16), also=[dict(N=6), dict(N=9), dict(HEAVY=20, SINKS=0)])
def d2o(K, V, W, HEAVY, RECENT, SINKS):
    B, H, N, D = K.shape
    heavy, recent = N // HEAVY, N // RECENT
    C = heavy + recent
    KN, VN = np.zeros_like(K, shape=(B, H, C, D)), np.zeros_like(V, shape=(B, H, C, V.shape[-1]))
    for b in range(B if C else 0):
        kept, gone, alike, to = [], [], [], []
        for h in range(H):
            old = N - recent
            weight = [np.inf if n < SINKS else float(W[b, h, n]) for n in range(old)]
            kept.append(sorted(largest(weight, heavy)) + list(range(old, N)))
            gone.append([n for n in range(N) if n not in kept[h]])
            unit = K[b, h] / np.sqrt((K[b, h] ** 2).sum(-1, keepdims=True))
            cosine = unit[gone[h]] @ unit[kept[h]].T
            alike.append(cosine.max(1))
            to.append(cosine.argmax(1))
        likeness = sum(alike) / H
        merged = [e for e in range(len(likeness)) if likeness[e] >= likeness.mean()]
        for h in range(H):
            for old, new in ((K, KN), (V, VN)):
                for c, n in enumerate(kept[h]):
                    into = [e for e in merged if to[h][e] == c]
                    new[b, h, c] = (old[b, h, n] + sum(alike[h][e] * old[b, h, gone[h][e]] for e in into)) / (1 + len(into))
    return KN, VN


@identity
def a_cache_that_is_large_enough_stays_as_it_is(rng):
    K, V = rng.standard_normal((2, 1, 2, 8, 4))
    return np.stack(d2o(K, V, rng.random((1, 2, 8)), 2, 2, 1)), np.stack([K, V])
