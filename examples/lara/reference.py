"""LARA with explicit landmarks."""
import numpy as np

from support import example, softmax


@example("lara.attn", "lara", sizes=dict(B=1, H=2, N=20, D=8, F=5), consts=dict(SEG=5), lengths=False, huge=4.0, also=[dict(N=5), dict(SEG=1)])
def lara(Q, K, V, SEG):
    scale = 1 / np.sqrt(Q.shape[-1])
    pool = lambda x: np.stack([x[:, :, a:a + SEG].mean(2) for a in range(0, x.shape[2], SEG)], 2)
    mu = pool(Q) + pool(K)
    rows = []
    for r in range(mu.shape[2]):
        w = mu[:, :, r]
        lk = scale * (np.einsum("bhd,bhnd->bhn", w, K) - (K * K).sum(-1) / 2)
        lq = scale * (np.einsum("bhd,bhnd->bhn", w, Q) - (Q * Q).sum(-1) / 2)
        top = lk.max(-1, keepdims=True)
        total = top + np.log(np.exp(lk - top).sum(-1, keepdims=True))
        own = scale * ((w * w).sum(-1, keepdims=True) / 2)
        weight = scale * np.einsum("bhd,bhnd->bhn", w, Q) + lq + total - own
        rows.append((weight, np.einsum("bhn,bhnf->bhf", softmax(lk), V)))
    weights = softmax(np.stack([w for w, _ in rows], -1))
    return weights @ np.stack([kv for _, kv in rows], 2)
