"""Relative positions of Music Transformer and of Shaw et al."""
import numpy as np

from support import example, softmax


@example("music_transformer.attn", "music_transformer", sizes=dict(B=2, H=2, N=19, D=16, F=6))
def music_transformer(Q, K, V, ER):
    """With the paper's skewing: pad a column, reshape, drop a row."""
    B, H, N, D = Q.shape
    x = Q @ ER.swapaxes(-1, -2)
    x = np.concatenate([np.zeros_like(Q, shape=(B, H, N, 1)), x], -1).reshape(B, H, N + 1, N)[:, :, 1:]
    S = (Q @ K.swapaxes(-1, -2) + x) / np.sqrt(D)
    return softmax(S, np.tri(N, dtype=bool)) @ V


@example("shaw.attn", "shaw", sizes=dict(B=2, H=2, N=13, D=16, F=6), consts=dict(FAR=4), also=[dict(FAR=20)])
def shaw(Q, K, V, RK, RV, FAR):
    rows = []
    for n in range(Q.shape[2]):
        place = np.clip(np.arange(K.shape[2]) - n, -FAR, FAR) + FAR
        s = np.einsum("bhd,bhld->bhl", Q[:, :, n], K + RK[place]) / np.sqrt(Q.shape[-1])
        rows.append(np.einsum("bhl,bhlf->bhf", softmax(s), V + RV[place]))
    return np.stack(rows, 2) if rows else V
