"""ZeroTuning as a bias of log(r) on the first key."""
import numpy as np

from support import causal, example, softmax


@example("zero_tuning.attn", "zero_tuning", sizes=dict(B=1, H=3, M=7, N=19, D=16, F=6), huge=4.0,
         draw=dict(R=lambda r, s: r.uniform(0.25, 4, s.H)))
def zero_tuning(Q, K, V, R):
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    S[..., :1] += np.log(R)[:, None, None]
    return softmax(S, causal(Q.shape[2], K.shape[2])) @ V
