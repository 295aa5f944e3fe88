"""MoBA, one query at a time: score the complete earlier blocks, keep the best, attend to them and to the own block."""
import numpy as np

from support import causal, example, identity, largest, softmax


@example("moba.attn", "moba", sizes=dict(B=1, H=2, M=19, N=23, D=16, F=6), consts=dict(BS=4, TOP=2), exact=True,
         huge=2.0, tiny=1.0, modes=("random", "equal", "huge"), also=[dict(BS=1, TOP=3), dict(BS=64), dict(TOP=9), dict(M=30, N=9)])
def moba(Q, K, V, BS, TOP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b, h, m in np.ndindex(B, H, M):
        p = m + N - M
        if p < 0:
            continue
        own = p // BS
        score = [K[b, h, r * BS:(r + 1) * BS].mean(0) @ Q[b, h, m] for r in range(own)]
        chosen = largest(score, TOP)
        kept = [n for r in chosen for n in range(r * BS, (r + 1) * BS)] + list(range(own * BS, p + 1))
        out[b, h, m] = softmax(K[b, h, kept] @ Q[b, h, m] / np.sqrt(D)) @ V[b, h, kept]
    return out


@identity
def every_block_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return moba(Q, K, V, 2, 5), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V
