"""SALE's estimate, choice and attention, a block of queries at a time."""
import numpy as np

from support import causal, example, identity, over_keys, softmax


@example("sale.attn", "sale", sizes=dict(B=1, H=2, M=19, N=23, D=8, F=5), consts=dict(BQ=4, BK=3, LOCAL=2), params=dict(tau=0.3),
         also=[dict(M=8, N=8), dict(LOCAL=1, tau=2.0), dict(tau=1e-6)], modes=("random", "equal", "huge"), huge=3.0)
def sale(Q, K, V, BQ, BK, LOCAL, tau):
    (B, H, M, D), N = Q.shape, K.shape[2]
    blocks = -(-M // BQ), -(-N // BK)
    O, ON = np.zeros_like(Q, shape=(B, H, M, V.shape[-1])), np.zeros((B, H) + blocks, bool)
    for b, h in np.ndindex(B, H):
        q, k = Q[b, h], K[b, h]
        if not (M and N):
            for p in range(blocks[0]):
                ON[b, h, p, :1] = True
            continue
        qc, kc = q - q.mean(0), k - k.mean(0)
        aq, ak = (np.maximum(np.abs(x).max(1, keepdims=True), 1e-6) for x in (qc, kc))
        s = q @ kc.T / np.sqrt(D)
        codes = np.rint(7 * qc / aq) @ np.rint(7 * kc / ak).T
        estimate = (codes * aq * ak.T / 49 + q.mean(0) @ kc.T) / np.sqrt(D)
        seen = causal(M, N)
        estimate, exact = (np.where(seen, x, -np.inf) for x in (estimate, s))
        for p in range(blocks[0]):
            rows = slice(p * BQ, min(M, (p + 1) * BQ))
            last = (rows.stop - 1 + N - M) // BK
            r = np.arange(blocks[1])
            ON[b, h, p] = near = (r == 0) | ((last - LOCAL < r) & (r <= last))
            probe = np.where(near[np.arange(N) // BK], exact[rows], -np.inf)
            some = np.isfinite(probe).any(1)
            top = probe[some].max(1, keepdims=True)
            hit = estimate[rows][some] > np.log(tau * np.exp(probe[some] - top).sum(1, keepdims=True)) + top
            ON[b, h, p] |= np.bincount(np.arange(N) // BK, hit.sum(0), blocks[1]) > 0
            O[b, h, rows] = softmax(s[rows], seen[rows] & ON[b, h, p][np.arange(N) // BK]) @ V[b, h]
    return O, ON


@identity
def a_share_of_nothing_keeps_all_blocks(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    return sale(Q, K, V, 2, 2, 1, 1e-30)[0], over_keys(Q, K, V, lambda m: range(m + 1))
