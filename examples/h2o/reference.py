"""H2O: column sums of the attention weights and the eviction rule that they feed."""
import numpy as np

from support import causal, example, softmax


@example("h2o.attn", "h2o", sizes=dict(B=2, H=2, M=17, N=23, D=16, F=6), consts=dict(HEAVY=4, RECENT=5),
         also=[dict(M=23), dict(M=1), dict(HEAVY=30), dict(RECENT=30)])
def h2o(Q, K, V, HEAVY, RECENT):
    M, N = Q.shape[2], K.shape[2]
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(M, N))
    C = A.sum(-2)
    keep = np.zeros(C.shape, bool)
    keep[..., max(0, N - RECENT):] = True
    old = max(0, N - RECENT)
    order = np.argsort(-C[..., :old], axis=-1, kind="stable")[..., :HEAVY]
    np.put_along_axis(keep, order, True, -1)
    return A @ V, C, keep
