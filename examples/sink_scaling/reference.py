"""The sum of attention and of a second attention over a virtual key and valueless keys."""
import numpy as np

from support import causal, example, softmax


@example("sink_scaling.attn", "sink_scaling", sizes=dict(B=2, H=2, M=7, N=19, D=16, F=5), also=[dict(M=20, N=5)])
def sink_scaling(Q, K, V, KS, VS):
    B, H, M, D = Q.shape
    N = K.shape[2]
    keep = causal(M, N)
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(D)
    virtual = np.einsum("bhmd,hd->bhm", Q, KS)[..., None] / np.sqrt(D)
    share = softmax(np.concatenate([virtual, S], -1), np.concatenate([np.ones((M, 1), bool), keep], 1))[..., :1]
    return softmax(S, keep) @ V + share * VS[:, None] * keep.any(-1)[:, None]
