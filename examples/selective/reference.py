"""Selective self-attention with a position temperature."""
import numpy as np

from support import causal, example, identity, sigmoid, softmax


@example("selective.attn", "selective", sizes=dict(B=1, H=2, M=19, N=19, D=16, F=6), params=dict(beta=-1.0), also=[dict(beta=1.5)])
def selective(Q, K, V, beta):
    M, N = Q.shape[2], K.shape[2]
    temperature = 1 + np.exp(-np.exp(beta)) * np.log(1.0 + np.arange(M))
    return softmax((Q * temperature[:, None]) @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(M, N, 0)) @ V


@example("token_aware.attn", "token_aware", sizes=dict(B=1, H=2, M=11, N=11, D=8, F=5, C=6), params=dict(alpha=0.5), lengths=False,
         modes=("random", "huge"), also=[dict(M=1, N=1), dict(M=0, N=0)])
def token_aware(Q, K, V, X, GQ, GV, alpha):
    grown = 1 + sigmoid(alpha) * np.log(1.0 + np.arange(Q.shape[2]))
    query, value = ((np.tanh(X @ G.T).swapaxes(1, 2) + grown)[..., None] for G in (GQ, GV))
    s = query * Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    return softmax(s, causal(Q.shape[2], K.shape[2], 0)) @ (value * V)


@example("clip_tail.attn", "clip_tail", sizes=dict(B=1, H=2, M=13, N=13, D=4, F=5), consts=dict(LEAST=3), params=dict(beta=0.7), modes=("random",),
         lengths=False, exact=True, also=[dict(M=1, N=1), dict(LEAST=20), dict(beta=0.1)])
def clip_tail(Q, K, V, LEAST, beta):
    N = K.shape[2]
    s = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    keep = np.zeros(s.shape, bool)
    for b, h, m in np.ndindex(keep.shape[:3]):
        count = max(LEAST, (m + 1) ** beta)
        order = sorted(range(m + 1), key=lambda n: (-float(s[b, h, m, n]), n))
        keep[b, h, m, [n for place, n in enumerate(order) if place < count]] = True
    return softmax(s, keep & causal(N, N)) @ V


@identity
def a_tail_of_nothing_is_causal_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    return clip_tail(Q, K, V, 9, 0.0), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V
