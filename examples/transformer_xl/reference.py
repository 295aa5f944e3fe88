"""Transformer-XL relative attention; the relative scores by the paper's pad-and-reshape shift."""
import numpy as np

from support import causal, example, identity, softmax

SIZES = dict(B=2, H=2, M=7, N=19, D=16, F=6)


@example("transformer_xl.attn", "transformer_xl", sizes=SIZES, also=[dict(M=19)], lengths=False)
def transformer_xl(Q, K, V, R, UC, UP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    content = (Q + UC[:, None]) @ K.swapaxes(-1, -2)
    # Column j of x holds distance N-1-j; the shift moves row i left by M-1-i.
    x = (Q + UP[:, None]) @ R[:, ::-1].swapaxes(-1, -2)
    x = np.concatenate([np.zeros_like(Q, shape=(B, H, M, 1)), x], -1).reshape(B, H, N + 1, M)[:, :, 1:].reshape(B, H, M, N)
    return softmax((content + x) / np.sqrt(D), causal(M, N)) @ V


# Single queries, single keys and no keys at all, where the shift has nothing to shift.
@example("transformer_xl.attn", "transformer_xl", sizes=dict(SIZES, M=1, N=6),
         also=[dict(M=1, N=1), dict(M=3, N=0), dict(M=13, N=37)], modes=("random",), lengths=False)
def by_index(Q, K, V, R, UC, UP):
    B, H, M, D = Q.shape
    N = K.shape[2]
    S = (Q + UC[:, None]) @ K.swapaxes(-1, -2)
    for m in range(M):
        for n in range(min(N, m + N - M + 1)):
            S[:, :, m, n] += ((Q[:, :, m] + UP) * R[:, m + N - M - n]).sum(-1)
    return softmax(S / np.sqrt(D), causal(M, N)) @ V


@identity
def shift_is_an_affine_index(rng):
    Q, K, V = (rng.standard_normal((1, 2, n, 4)) for n in (4, 9, 9))
    R, U, W = rng.standard_normal((2, 9, 4)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    return transformer_xl(Q, K, V, R, U, W), by_index(Q, K, V, R, U, W)
