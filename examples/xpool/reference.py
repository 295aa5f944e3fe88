"""Text-conditioned pooling of frames."""
import numpy as np

from support import example, softmax


@example("xpool.attn", "xpool", sizes=dict(T=5, V=3, H=2, N=19, D=16, F=6))
def xpool(Q, K, VAL):
    O = np.zeros_like(Q, shape=(len(K), len(Q), Q.shape[1], VAL.shape[-1]))
    for v, t in np.ndindex(len(K), len(Q)):
        O[v, t] = np.einsum("hn,hnf->hf", softmax(np.einsum("hd,hnd->hn", Q[t], K[v]) / np.sqrt(Q.shape[-1])), VAL[v])
    return O
