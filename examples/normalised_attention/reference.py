"""Linear attention with a learned normaliser, as a recurrence over the keys."""
import numpy as np

from support import causal, example, identity


@example("normalised.attn", "normalised", sizes=dict(B=1, H=2, M=9, N=14, D=4, F=5, C=6), huge=8.0)
def normalised(Q, K, V, X, W):
    M, N = Q.shape[2], K.shape[2]
    sums = np.cumsum(K[..., None] * V[..., None, :], axis=2)
    O = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for m in range(M):
        if m + N - M >= 0:
            O[:, :, m] = np.einsum("bhd,bhdf->bhf", Q[:, :, m], sums[:, :, m + N - M])
    return O / np.exp(X @ W.T).swapaxes(-1, -2)[..., None]


@identity
def no_normaliser_is_linear_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    return normalised(Q, K, V, np.zeros((1, 9, 3)), np.ones((2, 3))), Q @ K.swapaxes(-1, -2) * causal(9, 9) @ V
