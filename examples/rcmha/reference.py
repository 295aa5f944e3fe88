"""Relative convolutional attention."""
import numpy as np

from support import causal, example, identity, softmax


def convolved(x, taps):
    late = np.concatenate([np.zeros(x.shape[:2] + (2,) + x.shape[3:]), x], 2)
    return sum(late[:, :, r:r + x.shape[2]] * taps[:, r] for r in range(3))


@example("rcmha.attn", "rcmha", sizes=dict(B=1, H=2, M=9, N=14, D=8), logits=("X", "Y"), huge=8.0)
def rcmha(X, Y, Z, CQ, CK, CV, U, E, BE):
    M, N, D = X.shape[2], Y.shape[2], X.shape[3]
    q, k, v = convolved(X, CQ), convolved(Y, CK), convolved(Z, CV)
    at = np.arange(N) - np.arange(M)[:, None] + M
    s = (q + U[:, None]) @ k.swapaxes(-1, -2) + np.einsum("bhmd,hmnd->bhmn", q, E[:, at]) + BE[:, at]
    return softmax(s / np.sqrt(D), causal(M, N)) @ v


@identity
def one_tap_and_no_positions_is_causal_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    tap = np.tile([0.0, 0.0, 1.0], (4, 1))
    plain = softmax(Q @ K.swapaxes(-1, -2) / 2, causal(9, 9)) @ V
    return rcmha(Q, K, V, tap, tap, tap, np.zeros((2, 4)), np.zeros((2, 18, 4)), np.zeros((2, 18))), plain
