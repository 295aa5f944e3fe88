"""Hedgehog's softmax feature map and causal linear attention."""
import numpy as np

from support import example, softmax


@example("hedgehog.attn", "hedgehog", sizes=dict(B=1, H=2, M=17, N=17, D=8, E=5, F=6), huge=4.0)
def hedgehog(Q, K, V, WQ, WK):
    def features(x, w):
        y = x @ w
        return np.maximum(np.concatenate([softmax(y), softmax(-y)], -1), 1e-12)
    q, k = features(Q, WQ), features(K, WK)
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for m in range(Q.shape[2]):
        seen = min(m + 1, K.shape[2])
        if seen:
            state, total = k[:, :, :seen].swapaxes(-1, -2) @ V[:, :, :seen], k[:, :, :seen].sum(2)
            out[:, :, m] = np.einsum("bhr,bhrf->bhf", q[:, :, m], state) / np.einsum("bhr,bhr->bh", q[:, :, m], total)[..., None]
    return out
