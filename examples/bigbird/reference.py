"""BigBird: for every block of queries the set of key blocks."""
import numpy as np

from support import example, identity, softmax


@example("bigbird.attn", "bigbird", sizes=dict(B=1, H=2, M=34, N=34, D=16, F=6, P=9, J=2), consts=dict(BS=4, W=1, ENDS=1), lengths=False,
         draw=dict(RANDOM=lambda r, s: r.integers(-1, 10, (s.H, s.P, s.J))),
         also=[dict(ENDS=0), dict(W=0, ENDS=0), dict(BS=2, P=17), dict(M=1, N=1, P=1), dict(BS=64, P=1)])
def bigbird(Q, K, V, RANDOM, BS, W, ENDS):
    N, D = K.shape[2:]
    count = -(-N // BS)
    ends = {*range(min(ENDS, count)), *range(max(count - ENDS, 0), count)}
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for h in range(Q.shape[1]):
        for p in range(count):
            kept = set(range(count)) if p in ends else ends | {*range(p - W, p + W + 1)} | set(RANDOM[h, p].tolist())
            keys = [n for r in sorted(kept) for n in range(r * BS, r * BS + BS) if 0 <= n < N]
            rows = slice(p * BS, p * BS + BS)
            out[:, h, rows] = softmax(Q[:, h, rows] @ K[:, h, keys].swapaxes(-1, -2) / np.sqrt(D)) @ V[:, h, keys]
    return out


@identity
def a_wide_window_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return bigbird(Q, K, V, np.zeros((2, 5, 1), int), 2, 4, 0), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
