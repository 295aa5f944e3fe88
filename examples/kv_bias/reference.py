"""Attention with one virtual key in front."""
import numpy as np

from support import causal, example, softmax


@example("kv_bias.attn", "kv_bias", sizes=dict(B=2, H=2, M=7, N=19, D=16, F=5), also=[dict(M=20, N=5)])
def kv_bias(Q, K, V, KS, VS):
    front = lambda own, all: np.concatenate([np.broadcast_to(own[None, :, None], (len(all), len(own), 1, own.shape[1])), all], 2)
    k, v = front(KS, K), front(VS, V)
    M, N = Q.shape[2], K.shape[2]
    keep = np.concatenate([np.ones((M, 1), bool), causal(M, N)], 1)
    return softmax(Q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep) @ v
