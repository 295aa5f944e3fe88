"""A mixture of softmax attention and linear attention."""
import numpy as np

from support import example, sigmoid, softmax


@example("icl_mix.attn", "icl_mix", sizes=dict(B=1, H=2, M=7, N=19, D=16, F=5), params=dict(y=0.05), also=[dict(y=-3.0), dict(y=3.0)])
def icl_mix(Q, K, V, y):
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    mix = sigmoid(10 * y)
    return mix * (softmax(S) @ V) + (1 - mix) * (Q @ (K.swapaxes(-1, -2) @ V)) / np.sqrt(Q.shape[-1])
