"""Attention with QK norm and an output gate."""
import numpy as np

from support import causal, example, grouped, sigmoid, softmax


@example("gated_attention.attn", "gated_attention", sizes=dict(B=1, H=4, G=2, M=7, N=19, D=16, F=6), logits=("WQ", "WK"))
def gated_attention(Q, K, V, GATE, WQ, WK):
    norm = lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w
    q, k, v = norm(Q, WQ), grouped(norm(K, WK), Q.shape[1]), grouped(V, Q.shape[1])
    return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(Q.shape[2], K.shape[2])) @ v * sigmoid(GATE)
