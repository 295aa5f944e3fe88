"""SASRec's block attention."""
import numpy as np

from support import causal, example, softmax


def padded(rng, s):
    x = rng.integers(1, 5, (s.B, s.N, s.C)) / 2
    x[:, :s.N // 3] = 0
    return x


@example("sasrec.attn", "sasrec", sizes=dict(B=2, H=2, N=19, D=16, C=3), draw=dict(X=padded),
         also=[dict(label="only padding", draw=dict(X=lambda r, s: np.zeros((s.B, s.N, s.C))))])
def sasrec(Q, K, V, X, Y):
    N = Q.shape[2]
    real = np.abs(X.sum(-1)) > 0
    S = np.where(real[:, None, None, :] & causal(N, N), Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), -2.0 ** 32 + 1)
    return softmax(S) * real[:, None, :, None] @ V + Y
