"""Sigmoid attention."""
import numpy as np

from support import causal, example, sigmoid


@example("sigmoid.attn", "sigmoid_attention", sizes=dict(B=2, H=3, M=7, N=19, D=16, F=6), also=[dict(M=20, N=9)])
def sigmoid_attention(Q, K, V):
    M, N = Q.shape[2], K.shape[2]
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]) - np.log(max(N, 1))
    return (causal(M, N) * sigmoid(S)) @ V
