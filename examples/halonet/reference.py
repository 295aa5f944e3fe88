"""HaloNet on an image padded with zeros."""
import numpy as np

from support import example, identity, softmax


@example("halonet.attn", "halonet", sizes=dict(B=1, H=2, Y=8, X=6, D=8, F=6), consts=dict(BS=4, HALO=1), lengths=False,
         also=[dict(HALO=0), dict(BS=2, HALO=2), dict(Y=7, X=5)])
def halonet(Q, K, V, RH, RW, BS, HALO):
    Y, X, D = Q.shape[2:]
    window = BS + 2 * HALO

    def padded(x):
        out = np.zeros_like(x, shape=(*x.shape[:2], Y + 2 * window, X + 2 * window, x.shape[-1]))
        out[:, :, HALO:HALO + Y, HALO:HALO + X] = x
        return out
    k, v = padded(K), padded(V)
    O = np.zeros_like(Q, shape=Q.shape[:4] + V.shape[4:])
    for y, x in np.ndindex(Y, X):
        top, left = y // BS * BS, x // BS * BS
        keys = k[:, :, top:top + window, left:left + window]
        values = v[:, :, top:top + window, left:left + window]
        q = Q[:, :, y, x]
        S = np.einsum("bhd,bhuwd->bhuw", q, keys) / np.sqrt(D)
        rows = np.einsum("bhd,ud->bhu", q, RH[np.arange(window) - (y - top) + window - 1])
        columns = np.einsum("bhd,wd->bhw", q, RW[np.arange(window) - (x - left) + window - 1])
        S = S + rows[..., :, None] + columns[..., None, :]
        O[:, :, y, x] = np.einsum("bhuw,bhuwf->bhf", softmax(S, axis=(-2, -1)), values)
    return O


@identity
def no_halo_is_block_diagonal(rng):
    Q, K, V = (rng.standard_normal((1, 1, 4, 4, 3)) for _ in range(3))
    zero = np.zeros((3, 3))
    flat = lambda x: x.reshape(1, 1, 16, 3)
    block = np.arange(16) // 8 * 2 + np.arange(16) % 4 // 2
    right = softmax(flat(Q) @ flat(K).swapaxes(-1, -2) / np.sqrt(3), block[:, None] == block) @ flat(V)
    return flat(halonet(Q, K, V, zero, zero, 2, 0)), right
