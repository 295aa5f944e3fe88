"""Prefix-LM attention."""
import numpy as np

from support import causal, example, identity, softmax


@example("prefix_lm.attn", "prefix_lm", sizes=dict(B=3, H=2, M=9, N=19, D=16, F=6),
         draw=dict(PRE=lambda r, s: np.array([0, s.N, min(s.N, 12)])[:s.B]), also=[dict(M=25, N=6)])
def prefix_lm(Q, K, V, PRE):
    M, N = Q.shape[2], K.shape[2]
    keep = np.stack([causal(M, N) | (np.arange(N) < p) for p in PRE])[:, None]
    return softmax(np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1]), keep) @ V


@identity
def a_whole_prefix_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return prefix_lm(Q, K, V, [6]), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
