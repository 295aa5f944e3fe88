"""Keyformer's attention and score."""
import numpy as np

from support import causal, example, softmax


@example("keyformer.attn", "keyformer", sizes=dict(B=2, H=2, M=7, N=19, D=16, F=5), params=dict(tau=1.25),
         draw=dict(NOISE=lambda r, s: r.gumbel(size=(s.B, s.H, s.M, s.N))),
         also=[dict(label="all dead", draw=dict(ALIVE=lambda r, s: np.zeros((s.B, s.H, s.N), bool)))])
def keyformer(Q, K, V, NOISE, IMP, ALIVE, tau):
    keep = causal(Q.shape[2], K.shape[2]) & ALIVE[:, :, None]
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    return softmax(S, keep) @ V, IMP + softmax((S + NOISE) / tau, keep).sum((0, 2))
