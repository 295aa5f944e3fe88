"""p-Laplacian message passing along the edges of attention."""
import numpy as np

from support import example, identity, softmax


def messages(Q, K, V, X, scale, p, mu, eps):
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))
    received = A.sum(-2)[..., None] if scale else None
    ends = V / np.sqrt(received + eps) if scale else V
    apart = np.sqrt(((X[..., :, None, :] - ends[..., None, :, :]) ** 2).sum(-1))
    W = A * (apart + eps) ** (p - 2)
    return (W @ V + 2 * mu / p * X) / (W.sum(-1, keepdims=True) + 2 * mu / p)


@example("p_adapter.attn", "p_adapter", sizes=dict(B=1, H=2, M=9, N=14, D=8, F=5), params=dict(p=1.5, mu=0.25, eps=0.0625),
         also=[dict(p=2.0), dict(p=3.0)])
def p_adapter(Q, K, V, X, p, mu, eps):
    return messages(Q, K, V, X, False, p, mu, eps)


@example("degrees.attn", "degrees", sizes=dict(B=1, H=2, M=9, N=14, D=8, F=5), params=dict(p=1.5, mu=0.25, eps=0.0625), also=[dict(p=3.0)])
def degrees(Q, K, V, X, p, mu, eps):
    return messages(Q, K, V, X, True, p, mu, eps)


@identity
def the_power_two_without_the_querys_feature_is_attention(rng):
    Q, K, V, X = rng.standard_normal((4, 1, 2, 9, 4))
    return p_adapter(Q, K, V, X, 2.0, 0.0, 0.1), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
