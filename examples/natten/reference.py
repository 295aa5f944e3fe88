"""Neighborhood attention by NATTEN's definition: walk outwards from the leader, shifting the window inside."""
import numpy as np

from support import example, identity, over_keys, softmax


def neighbours(i, length, window, stride=1, dilation=1):
    """Key positions of query i. Written after NATTEN's reference mask: left and right extents, then corrections at the borders."""
    group = i % dilation
    tokens = len(range(group, length, dilation))
    index = i // dilation
    leader = min(index // stride * stride + stride // 2, tokens - 1)
    left, right = window // 2, window // 2 + window % 2 - 1
    start = max(leader - left, 0)
    if leader + right >= tokens:
        start += tokens - right - leader - 1
    return [group + dilation * j for j in range(max(start, 0), min(start + window, tokens))]


@example("natten1d.attn", "natten1d", sizes=dict(B=1, H=2, N=23, D=16, F=6), consts=dict(W=5, ST=1, DIL=1), lengths=False,
         also=[dict(W=4), dict(W=7, ST=3), dict(W=5, DIL=3), dict(W=4, ST=2, DIL=2), dict(W=23), dict(N=1, W=1), dict(N=40, W=9, ST=4)])
def natten1d(Q, K, V, W, ST, DIL):
    return over_keys(Q, K, V, lambda n: neighbours(n, K.shape[2], W, ST, DIL))


def before(i, length, window, stride=1, dilation=1):
    """Key positions of query i on a causal axis: back to the window of its stride group's last query, never beyond itself."""
    group = i % dilation
    tokens = len(range(group, length, dilation))
    index = i // dilation
    last = min(index // stride * stride + stride - 1, tokens - 1)
    return [group + dilation * j for j in range(max(last - window + 1, 0), index + 1)]


@example("causal1d.attn", "causal1d", sizes=dict(B=1, H=2, N=23, D=16, F=6), consts=dict(W=5, ST=1, DIL=1), lengths=False,
         also=[dict(W=4), dict(W=7, ST=3), dict(W=5, DIL=3), dict(W=4, ST=2, DIL=2), dict(W=23), dict(N=1, W=1), dict(N=40, W=9, ST=4)])
def causal1d(Q, K, V, W, ST, DIL):
    return over_keys(Q, K, V, lambda n: before(n, K.shape[2], W, ST, DIL))


@example("natten2d.attn", "natten2d", sizes=dict(B=1, H=2, Y=7, X=9, D=16, F=6), consts=dict(WY=3, WX=5, ST=1, DIL=1),
         also=[dict(WY=4, WX=4, ST=2), dict(WY=7, WX=9), dict(WY=1, WX=1), dict(WY=3, WX=4, DIL=2), dict(WY=2, WX=3, ST=2, DIL=3)])
def natten2d(Q, K, V, WY, WX, ST, DIL):
    Y, X, D = Q.shape[2:]
    out = np.zeros_like(Q, shape=Q.shape[:4] + V.shape[4:])
    for y, x in np.ndindex(Y, X):
        rows, columns = neighbours(y, Y, WY, ST, DIL), neighbours(x, X, WX, ST, DIL)
        k = np.stack([K[:, :, u, r] for u in rows for r in columns], 2)
        v = np.stack([V[:, :, u, r] for u in rows for r in columns], 2)
        out[:, :, y, x] = (softmax(Q[:, :, y, x, None] @ k.swapaxes(-1, -2) / np.sqrt(D)) @ v)[:, :, 0]
    return out


@example("flat2d.attn", "flat2d", sizes=dict(B=1, H=2, N=63, D=16, F=6), consts=dict(X=9, WY=3, WX=5), lengths=False,
         also=[dict(WY=4, WX=4), dict(WY=9, WX=9), dict(WY=1, WX=1), dict(X=63, WY=1), dict(X=1, WX=1), dict(N=9)])
def flat2d(Q, K, V, X, WY, WX):
    image = lambda x: x.reshape(x.shape[:2] + (-1, X, x.shape[-1]))
    O = natten2d(image(Q), image(K), image(V), WY, WX, 1, 1)
    return O.reshape(Q.shape[:3] + V.shape[3:])


@example("natten3d.attn", "natten3d", sizes=dict(B=1, H=2, Z=4, Y=4, X=5, D=8, F=6), consts=dict(WZ=2, WY=3, WX=3, SZ=1, SY=1, SX=1),
         also=[dict(SZ=2, SY=2, SX=3), dict(WZ=4, WY=4, WX=5), dict(WZ=1, WY=1, WX=1), dict(Z=1, Y=1), dict(WZ=3, SZ=3, WY=2, SY=2)])
def natten3d(Q, K, V, WZ, WY, WX, SZ, SY, SX):
    Z, Y, X, D = Q.shape[2:]
    out = np.zeros_like(Q, shape=Q.shape[:5] + V.shape[5:])
    for z, y, x in np.ndindex(Z, Y, X):
        box = np.ix_(before(z, Z, WZ, SZ), neighbours(y, Y, WY, SY), neighbours(x, X, WX, SX))
        k, v = (t[(slice(None), slice(None)) + box].reshape(t.shape[:2] + (-1, t.shape[-1])) for t in (K, V))
        out[:, :, z, y, x] = (softmax(Q[:, :, z, y, x, None] @ k.swapaxes(-1, -2) / np.sqrt(D)) @ v)[:, :, 0]
    return out


@identity
def a_window_of_everything_is_dense(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return natten1d(Q, K, V, 6, 1, 1), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def a_stride_of_the_window_is_block_diagonal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 9, 4)) for _ in range(3))
    t = np.arange(9) // 3
    return natten1d(Q, K, V, 3, 3, 1), softmax(Q @ K.swapaxes(-1, -2) / 2, t[:, None] == t) @ V


@identity
def dilation_is_many_small_problems(rng):
    Q, K, V = (rng.standard_normal((1, 2, 11, 4)) for _ in range(3))
    left = natten1d(Q, K, V, 3, 1, 2)
    return left[:, :, 1::2], natten1d(Q[:, :, 1::2], K[:, :, 1::2], V[:, :, 1::2], 3, 1, 1)


@identity
def a_causal_window_of_everything_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return causal1d(Q, K, V, 6, 1, 1), softmax(Q @ K.swapaxes(-1, -2) / 2, np.tri(6, dtype=bool)) @ V


@identity
def one_image_of_a_video_is_two_dimensional(rng):
    Q, K, V = (rng.standard_normal((1, 2, 1, 4, 5, 4)) for _ in range(3))
    return natten3d(Q, K, V, 1, 3, 3, 1, 2, 2)[:, :, 0], natten2d(Q[:, :, 0], K[:, :, 0], V[:, :, 0], 3, 3, 2, 1)


@identity
def strides_of_the_windows_are_windows_of_an_image(rng):
    Q, K, V = (rng.standard_normal((1, 2, 4, 6, 4)) for _ in range(3))
    block = np.arange(4)[:, None] // 2 * 3 + np.arange(6) // 2
    flat = lambda x: x.reshape(1, 2, 24, 4)
    keep = block.ravel()[:, None] == block.ravel()
    return flat(natten2d(Q, K, V, 2, 2, 2, 1)), softmax(flat(Q) @ flat(K).swapaxes(-1, -2) / 2, keep) @ flat(V)
