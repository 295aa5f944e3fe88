"""Attention on dequantised keys and values."""
import numpy as np

from support import example, grouped, softmax


@example("quantised_kv.attn", "quantised_kv", sizes=dict(B=3, H=4, G=2, N=19, D=16, F=6), logits=("Q",),
         draw=dict(LEN=lambda r, s: np.array([s.N, 0, min(s.N, 5)])[:s.B], K=lambda r, s: r.integers(-128, 128, (s.B, s.G, s.N, s.D)),
                   V=lambda r, s: r.integers(-8, 8, (s.B, s.G, s.N, s.F)), KS=lambda r, s: r.uniform(0.5, 1, (s.B, s.G, s.D)) / 64),
         also=[dict(F=7), dict(F=1)])
def quantised_kv(Q, K, KS, V, VS, VO, LEN):
    k = grouped(K * KS[:, :, None], Q.shape[1])
    v = grouped(V * VS[..., None] + VO[..., None], Q.shape[1])
    S = np.einsum("bhd,bhnd->bhn", Q, k) / np.sqrt(Q.shape[-1])
    A = softmax(S, (np.arange(K.shape[2]) < LEN[:, None])[:, None])
    return np.einsum("bhn,bhnf->bhf", A, v)
