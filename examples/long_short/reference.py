"""Long-short attention over landmarks and a window."""
import numpy as np

from support import causal as up_to, example, identity, softmax


def layernorm(x, gain, bias):
    centred = x - x.mean(-1, keepdims=True)
    return gain * centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5) + bias


def two_sources(Q, landmarks, tokens, seen):
    """landmarks, tokens: keys and values; seen: [M, landmarks + tokens]."""
    keys, values = (np.concatenate([a, b], 2) for a, b in zip(landmarks, tokens))
    return softmax(Q @ keys.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), seen) @ values


SIZES = dict(B=1, H=2, M=11, N=11, D=4, R=3)


@example("long_short.attn", "long_short", sizes=SIZES, consts=dict(W=4), lengths=False, logits=("Q", "P"), modes=("random", "huge"),
         also=[dict(M=1, N=1), dict(M=0, N=0), dict(M=21, N=21), dict(W=1), dict(W=64), dict(R=0)])
def long_short(Q, K, V, P, GL, BL, GS, BS, W):
    tokens = [layernorm(x, GL, BL) for x in (K, V)]
    weights = softmax(P, axis=2).swapaxes(-1, -2)
    landmarks = [layernorm(weights @ x, GS, BS) for x in tokens]
    n, half = np.arange(K.shape[2]), max(W // 2, 1)
    block = n[:, None] // W * W
    window = (n >= block - half) & (n < block + W + half)
    return two_sources(Q, landmarks, tokens, np.concatenate([np.ones((len(n), P.shape[-1]), bool), window], 1))


@example("causal.attn", "causal", sizes=SIZES, consts=dict(W=4, CS=5), lengths=False, logits=("Q", "P"), modes=("random", "huge"),
         also=[dict(M=1, N=1), dict(M=0, N=0), dict(M=20, N=20), dict(CS=64), dict(W=1)])
def causal(Q, K, V, P, GL, BL, GS, BS, W, CS):
    N, R = P.shape[2:]
    tokens = [layernorm(x, GL, BL) for x in (K, V)]
    member = np.arange(N) // CS == np.arange(-(-N // CS))[:, None]
    weights = softmax(P.swapaxes(-1, -2)[:, :, None], member[:, None])                  # b h u r n
    landmarks = [layernorm(weights.reshape(weights.shape[:2] + (len(member) * R, N)) @ x, GS, BS) for x in tokens]
    n = np.arange(N)
    past = np.repeat(np.arange(len(member)), R) < n[:, None] // CS
    window = up_to(N, N) & (n[:, None] - n < W)
    return two_sources(Q, landmarks, tokens, np.concatenate([past, window], 1))


@identity
def without_landmarks_a_large_window_is_attention_over_normalised_tokens(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    one, none = np.ones(4), np.zeros(4)
    K1, V1 = layernorm(K, one, none), layernorm(V, one, none)
    return long_short(Q, K, V, np.zeros((1, 2, 9, 0)), one, none, one, none, 9), softmax(Q @ K1.swapaxes(-1, -2) / 2) @ V1
