"""Vision-aware heads by leaving the image out."""
import numpy as np

from support import example, identity, largest, softmax


def bags(rng, s):
    image = rng.random((s.B, s.N)) < 0.5
    image[:1] = False
    return image


@example("vhr.attn", "vhr", sizes=dict(B=3, H=5, N=17, D=8, F=5), consts=dict(TOP=2), params=dict(alpha=2.0), modes=("random", "huge", "tiny"),
         also=[dict(TOP=5), dict(TOP=0), dict(draw=dict(IMAGE=lambda r, s: np.ones((s.B, s.N), bool)), label="no text")])
def vhr(Q, K, V, IMAGE, TOP, alpha):
    s = np.einsum("bhd,bhnd->bhn", Q, K) / np.sqrt(Q.shape[-1])
    both, text = (np.einsum("bhn,bhnf->bhf", softmax(s, keep), V) for keep in (True, ~IMAGE[:, None]))
    change = np.sqrt(((both - text) ** 2).sum(-1))
    scale = np.ones(change.shape)
    for b in range(len(Q)):
        scale[b, largest(change[b], TOP)] = alpha
    return both * scale[..., None], change


@identity
def a_factor_of_one_is_attention(rng):
    Q, (K, V) = rng.standard_normal((1, 3, 4)), rng.standard_normal((2, 1, 3, 9, 4))
    return vhr(Q, K, V, rng.random((1, 9)) < 0.5, 2, 1.0)[0], (softmax(Q[:, :, None] @ K.swapaxes(-1, -2) / 2) @ V)[:, :, 0]
