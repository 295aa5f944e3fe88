"""Local attention: each query with a slice of the keys."""
import numpy as np

from support import example, identity, softmax


@example("local.attn", "local", sizes=dict(B=1, H=2, M=23, N=23, D=16, F=6), consts=dict(W=3), also=[dict(W=0), dict(W=64), dict(M=9, N=30), dict(M=30, N=9)])
def local(Q, K, V, W):
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for m in range(Q.shape[2]):
        t = slice(max(m - W, 0), m + W + 1)
        out[:, :, m] = (softmax(Q[:, :, m, None] @ K[:, :, t].swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ V[:, :, t])[:, :, 0]
    return out


@example("frames.attn", "frames", sizes=dict(B=1, H=2, N=40, D=16, F=6), consts=dict(TOKENS=3, CHUNK=2, FRAMES=5, SINKS=1),
         also=[dict(SINKS=0), dict(FRAMES=2), dict(FRAMES=1, SINKS=0), dict(CHUNK=1), dict(FRAMES=40)])
def frames(Q, K, V, TOKENS, CHUNK, FRAMES, SINKS):
    N, D = Q.shape[2:]
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for n in range(N):
        done = (n // TOKENS // CHUNK + 1) * CHUNK                    # frames that exist when this one is made
        kept = {*range(max(done - FRAMES + SINKS, 0), done), *range(min(SINKS, done))}
        keys = sorted({n} | {i for i in range(N) if i // TOKENS in kept})
        out[:, :, n] = (softmax(Q[:, :, n, None] @ K[:, :, keys].swapaxes(-1, -2) / np.sqrt(D)) @ V[:, :, keys])[:, :, 0]
    return out


@identity
def a_wide_window_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return local(Q, K, V, 8), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def chunks_of_everything_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return frames(Q, K, V, 3, 3, 3, 0), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
