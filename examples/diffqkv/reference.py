"""DiffQKV attention."""
import numpy as np

from support import causal, example, grouped, softmax


@example("diffqkv.attn", "diffqkv", sizes=dict(B=1, H=8, GK=2, GV=4, M=7, N=19, D=8, F=16))
def diffqkv(Q, K, V):
    S = Q @ grouped(K, Q.shape[1]).swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    return softmax(S, causal(Q.shape[2], K.shape[2])) @ grouped(V, Q.shape[1])
