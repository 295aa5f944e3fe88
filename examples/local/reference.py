"""Local attention: each query with a slice of the keys."""
import numpy as np

from support import example, identity, over_keys, softmax


@example("local.attn", "local", sizes=dict(B=1, H=2, M=23, N=23, D=16, F=6), consts=dict(W=3), also=[dict(W=0), dict(W=64), dict(M=9, N=30), dict(M=30, N=9)])
def local(Q, K, V, W):
    return over_keys(Q, K, V, lambda m: range(max(m - W, 0), min(m + W + 1, K.shape[2])))


@example("frames.attn", "frames", sizes=dict(B=1, H=2, N=40, D=16, F=6), consts=dict(TOKENS=3, CHUNK=2, FRAMES=5, SINKS=1),
         also=[dict(SINKS=0), dict(FRAMES=2), dict(FRAMES=1, SINKS=0), dict(CHUNK=1), dict(FRAMES=40)])
def frames(Q, K, V, TOKENS, CHUNK, FRAMES, SINKS):
    N = Q.shape[2]

    def seen(n):
        done = (n // TOKENS // CHUNK + 1) * CHUNK                    # frames that exist when this one is made
        kept = {*range(max(done - FRAMES + SINKS, 0), done), *range(min(SINKS, done))}
        return sorted({n} | {i for i in range(N) if i // TOKENS in kept})
    return over_keys(Q, K, V, seen)


@identity
def a_wide_window_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return local(Q, K, V, 8), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def chunks_of_everything_are_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    return frames(Q, K, V, 3, 3, 3, 0), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V
