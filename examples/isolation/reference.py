"""Isolation attention, query by query."""
import numpy as np

from support import example, identity, softmax


@example("isolation.attn", "isolation", sizes=dict(B=2, H=2, M=9, L=18, D=16, F=6), consts=dict(R=2), lengths=False,
         draw=dict(SUBJ=lambda r, s: r.integers(0, s.R + 1, (s.B, s.M))),
         also=[dict(R=1, L=9), dict(R=3, M=5, L=15), dict(label="only background", draw=dict(SUBJ=lambda r, s: np.zeros((s.B, s.M))))])
def isolation(Q, K, V, KR, VR, ON, SUBJ, R):
    B, H, M, D = Q.shape
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b in range(B):
        for m in range(M):
            own = SUBJ[b, m]
            seen = [n for n in range(M) if not (own and SUBJ[b, n] and own != SUBJ[b, n])]
            shown = [i for i in range((own - 1) * M, own * M) if ON[b, i]] if own else []
            k = np.concatenate([KR[b][:, shown], K[b][:, seen]], 1)
            v = np.concatenate([VR[b][:, shown], V[b][:, seen]], 1)
            out[b, :, m] = (softmax(Q[b, :, m, None] @ k.swapaxes(-1, -2) / np.sqrt(D)) @ v)[:, 0]
    return out


@identity
def background_alone_is_dense(rng):
    Q, K, V, KR, VR = (rng.standard_normal((1, 2, 5, 4)) for _ in range(5))
    got = isolation(Q, K, V, KR, VR, np.ones((1, 5), bool), np.zeros((1, 5), int), 1)
    return got, softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
