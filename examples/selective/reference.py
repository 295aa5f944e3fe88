"""Selective self-attention with a position temperature."""
import numpy as np

from support import causal, example, softmax


@example("selective.attn", "selective", sizes=dict(B=1, H=2, M=19, N=19, D=16, F=6), params=dict(beta=-1.0), also=[dict(beta=1.5)])
def selective(Q, K, V, beta):
    M, N = Q.shape[2], K.shape[2]
    temperature = 1 + np.exp(-np.exp(beta)) * np.log(1.0 + np.arange(M))
    return softmax((Q * temperature[:, None]) @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(M, N, 0)) @ V
