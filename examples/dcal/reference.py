"""DCAL's two cross-attentions."""
import numpy as np

from support import example, identity, largest, softmax


@example("glca.attn", "glca", sizes=dict(L=2, B=2, H=2, N=9, D=4, F=5), consts=dict(TOP=3), modes=("random",), also=[dict(L=1), dict(TOP=20)])
def glca(QS, KS, Q, K, V, TOP):
    B, H, N, D = Q.shape
    O, AT = np.zeros_like(Q, shape=(B, H, TOP, V.shape[-1])), np.full((B, TOP), -1)
    for b in range(B if N else 0):
        row = np.eye(N)[0]
        for q, k in zip(QS[::-1, b], KS[::-1, b]):
            row = row / 2 + row @ softmax(q @ k.swapaxes(-1, -2) / np.sqrt(D)).mean(0) / 2
        chosen = [n + 1 for n in largest(row[1:], TOP)]
        AT[b, :len(chosen)] = chosen
        O[b, :, :len(chosen)] = softmax(Q[b][:, chosen] @ K[b].swapaxes(-1, -2) / np.sqrt(D)) @ V[b]
    return O, AT


@example("pwca.attn", "pwca", sizes=dict(B=3, H=2, N=9, D=4, F=5), modes=("random", "huge"), draw=dict(PAIR=lambda r, s: r.integers(0, s.B, s.B)))
def pwca(Q, K, V, PAIR):
    keys, values = (np.concatenate([x, x[PAIR]], 2) for x in (K, V))
    return softmax(Q @ keys.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ values


@identity
def an_image_paired_with_itself_is_attention(rng):
    Q, K, V = rng.standard_normal((3, 2, 2, 9, 4))
    return pwca(Q, K, V, np.arange(2)), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
