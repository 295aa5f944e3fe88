"""Length-scaled softplus attention, without and with re-weighting."""
import numpy as np

from support import causal, example, identity, softplus

SIZES = dict(B=1, H=2, M=17, N=17, D=16, F=6)
ALSO = [dict(M=5, N=9), dict(M=37)]


def weights(Q, K):
    """Softplus weights and their row sums; row m sees keys 0..m."""
    q = Q / np.sqrt((Q * Q).sum(-1, keepdims=True))
    k = K / np.sqrt((K * K).sum(-1, keepdims=True))
    M, N, D = Q.shape[2], K.shape[2], Q.shape[3]
    S = np.log(D) * np.log(np.arange(M) + 1.0)[:, None] * (q @ k.swapaxes(-1, -2))
    return softplus(S) * causal(M, N, 0)


@example("lssa.attn", "lssa", sizes=SIZES, also=ALSO)
def lssa(Q, K, V):
    W = weights(Q, K)
    return W / (W.sum(-1, keepdims=True) + 1e-8) @ V


@example("lssar.attn", "lssar", sizes=SIZES, also=ALSO)
def lssar(Q, K, V):
    W = weights(Q, K)
    A = W / (W.sum(-1, keepdims=True) + 1e-8)
    row = np.arange(Q.shape[2])[:, None]
    R = np.maximum(A * (row + 1) - (row >= 3), 0) ** 15
    return R / (R.sum(-1, keepdims=True) + 1e-8) @ V


@identity
def the_first_row_repeats_its_value(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return lssa(Q, K, V)[:, :, 0] * (1 + 1e-8 / np.log(2)), V[:, :, 0]
