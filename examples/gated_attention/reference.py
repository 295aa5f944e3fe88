"""Attention with QK norm and an output gate."""
import numpy as np

from support import causal, example, grouped, identity, sigmoid, softmax


@example("gated_attention.attn", "gated_attention", sizes=dict(B=1, H=4, G=2, M=7, N=19, D=16, F=6), logits=("WQ", "WK"))
def gated_attention(Q, K, V, GATE, WQ, WK):
    norm = lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w
    q, k, v = norm(Q, WQ), grouped(norm(K, WK), Q.shape[1]), grouped(V, Q.shape[1])
    return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(Q.shape[2], K.shape[2])) @ v * sigmoid(GATE)


@example("by_head.attn", "by_head", sizes=dict(B=1, H=2, M=7, N=11, D=8, F=5, C=6, E=3), modes=("random", "huge"))
def by_head(Q, K, V, X, W1, B1, W2, B2):
    hidden = np.maximum(X @ W1.swapaxes(-1, -2) + B1[:, None], 0)
    gate = sigmoid((hidden * W2[:, None]).sum(-1) + B2[:, None])
    return gate[..., None] * (softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(Q.shape[2], K.shape[2])) @ V)


@identity
def a_gate_without_a_network_is_a_constant(rng):
    Q, K, V, X = rng.standard_normal((4, 1, 2, 9, 4))
    none = np.zeros((2, 3))
    half = by_head(Q, K, V, X, np.zeros((2, 3, 4)), none, none, np.zeros(2))
    return 2 * half, softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V
