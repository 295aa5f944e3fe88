"""Flow attention, not causal."""
import numpy as np

from support import example, identity, sigmoid, softmax


@example("flowformer.attn", "flowformer", sizes=dict(B=1, H=2, M=7, N=19, D=8, F=6), params=dict(eps=1e-6), huge=6.0)
def flowformer(Q, K, V, eps):
    q, k = sigmoid(Q), sigmoid(K)
    M, N = q.shape[2], max(k.shape[2], 1)
    dot = lambda x, total: ((x + eps) * (total[:, :, None] + eps)).sum(-1, keepdims=True)
    incoming, outgoing = 1 / dot(q, k.sum(2)), 1 / dot(k, q.sum(2))
    sink = dot(q, (k * outgoing).sum(2))
    source = np.clip(dot(k, (q * incoming).sum(2)), -1, 1)
    competition = softmax(source, axis=2) * N
    return (q * incoming) @ (k.swapaxes(-1, -2) @ (V * competition)) * sigmoid(sink * M / N)


@identity
def the_order_of_the_keys_is_free(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    p = rng.permutation(6)
    return flowformer(Q, K[:, :, p], V[:, :, p], 1e-6), flowformer(Q, K, V, 1e-6)
