"""MoA's heterogeneous windows."""
import numpy as np

from support import example, softmax


@example("moa.attn", "moa", sizes=dict(B=1, H=4, M=23, N=23, D=16, F=5), consts=dict(BS=4, SINKS=1), draw=dict(NB=lambda r, s: np.arange(s.H)),
         also=[dict(SINKS=0), dict(BS=1), dict(BS=64)])
def moa(Q, K, V, NB, BS, SINKS):
    m, n = np.arange(Q.shape[2])[:, None], np.arange(K.shape[2])
    keep = (n <= m) & ((n // BS < SINKS) | (m // BS - n // BS < NB[:, None, None]))
    return softmax(np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1]), keep) @ V
