"""Attention with bounded-memory control, over all tokens and causal."""
import numpy as np

from support import example, identity, softmax


@example("abc.attn", "abc", sizes=dict(B=1, H=2, M=7, N=19, D=8, R=5, F=6), huge=6.0)
def abc(Q, K, V, WK, WV):
    keys = softmax(WK @ K.swapaxes(-1, -2)) @ K
    values = softmax(WV @ V.swapaxes(-1, -2)) @ V
    return softmax(Q @ keys.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ values


@example("causal.attn", "causal_abc", sizes=dict(B=1, H=2, T=17, D=8, R=5, F=6), huge=6.0)
def causal_abc(Q, K, V, WS):
    rows = []
    for t in range(Q.shape[2]):
        k, v = K[:, :, :t + 1], V[:, :, :t + 1]
        weights = softmax(WS @ k.swapaxes(-1, -2))
        S = Q[:, :, t:t + 1] @ (weights @ k).swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
        rows.append(softmax(S) @ (weights @ v))
    return np.concatenate(rows, 2) if rows else V


@identity
def the_last_position_sees_all(rng):
    Q, K = rng.standard_normal((1, 2, 6, 4)), rng.standard_normal((1, 2, 6, 4))
    W = rng.standard_normal((2, 3, 4))
    return causal_abc(Q, K, K, W)[:, :, -1:], abc(Q[:, :, -1:], K, K, W, W)
