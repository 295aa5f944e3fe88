"""LongLoRA's shifted sparse attention: groups cut out and attended one at a time."""
import numpy as np

from support import causal, example, identity, softmax


@example("s2_attention.attn", "s2_attention", sizes=dict(B=1, H=4, N=23, D=16, F=6), consts=dict(GS=8), also=[dict(GS=64), dict(GS=2)])
def s2_attention(Q, K, V, GS):
    N, D = Q.shape[2:]
    O = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for half, cuts in enumerate((range(GS, N, GS), range(GS // 2, N, GS))):
        heads = slice(Q.shape[1] // 2) if half == 0 else slice(Q.shape[1] // 2, None)
        edges = [0, *cuts, N]
        for a, b in zip(edges, edges[1:]):
            q, k, v = (x[:, heads, a:b] for x in (Q, K, V))
            O[:, heads, a:b] = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(D), causal(b - a, b - a)) @ v
    return O


@identity
def large_groups_are_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return s2_attention(Q, K, V, 12), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
