"""Normalised sigmoid weights, and signed kernel weights."""
import numpy as np

from support import causal, example, identity, sigmoid

SIZES = dict(B=1, H=2, M=9, N=14, D=8, F=5)


@example("similarity.attn", "similarity", sizes=SIZES)
def similarity(Q, K, V):
    W = sigmoid(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) * causal(Q.shape[2], K.shape[2])
    return (W @ V) / (W.sum(-1, keepdims=True) + 1e-8)


@example("kernel.attn", "kernel", sizes=dict(SIZES, C=6, E=4), modes=("random", "equal", "tiny"))
def kernel(Q, K, V, W1, W2):
    q, k = (np.maximum(x @ W1.T, 0) @ W2.T for x in (Q, K))
    S = q @ k.swapaxes(-1, -2) / np.sqrt(len(W2)) * causal(Q.shape[2], K.shape[2])
    return (S @ V) / np.maximum(np.abs(S.sum(-1, keepdims=True)), 1)


@identity
def similarity_of_zeros_is_the_running_mean(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    weight = np.arange(1, 10)[:, None] / (np.arange(1, 10)[:, None] + 2e-8)
    return similarity(Q * 0, K, V), np.cumsum(V, 2) / np.arange(1, 10)[:, None] * weight
