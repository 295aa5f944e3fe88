"""Attention over an image and its references, with weights on scores."""
import numpy as np

from support import example, identity, softmax


def joined(Q, K, V, KR, VR, weight, keep):
    """weight, keep: [B,R,L]."""
    B, R, H, L, D = KR.shape
    flat = lambda x: np.moveaxis(x, 2, 1).reshape(B, H, R * L, x.shape[-1])
    keys, values = np.concatenate([K, flat(KR)], 2), np.concatenate([V, flat(VR)], 2)
    own = np.ones((B, K.shape[2]))
    factor = np.concatenate([own, weight.reshape(B, R * L)], 1)[:, None, None]
    seen = np.concatenate([own > 0, keep.reshape(B, R * L)], 1)[:, None, None]
    return softmax(Q @ keys.swapaxes(-1, -2) / np.sqrt(D) * factor, seen) @ values


SIZES = dict(B=2, H=2, M=7, N=9, R=2, L=5, D=8, F=5)


@example("free_custom.attn", "free_custom", sizes=SIZES, also=[dict(R=0), dict(L=1)])
def free_custom(Q, K, V, KR, VR, W, MASK):
    return joined(Q, K, V, KR, VR, W[None, :, None] * MASK, MASK | True)


@example("masked.attn", "masked", sizes=SIZES, also=[dict(R=0), dict(L=1), dict(draw=dict(MASK=lambda r, s: np.zeros((s.B, s.R, s.L), bool)), label="none")])
def masked(Q, K, V, KR, VR, W, MASK):
    return joined(Q, K, V, KR, VR, W[None, :, None] + np.zeros(MASK.shape), MASK)


@identity
def references_that_are_masked_out_leave_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    KR, VR = rng.standard_normal((2, 1, 3, 2, 4, 4))
    return masked(Q, K, V, KR, VR, np.ones(3), np.zeros((1, 3, 4), bool)), softmax(Q @ K.swapaxes(-1, -2) / 2) @ V


@identity
def weights_of_one_give_attention_over_all_keys(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    KR, VR = rng.standard_normal((2, 1, 1, 2, 4, 4))
    keys, values = np.concatenate([K, KR[:, 0]], 2), np.concatenate([V, VR[:, 0]], 2)
    return free_custom(Q, K, V, KR, VR, np.ones(1), np.ones((1, 1, 4), bool)), softmax(Q @ keys.swapaxes(-1, -2) / 2) @ values
