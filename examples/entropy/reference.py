"""Attention, log-sum-exp and the entropy of the weights by their definition."""
import numpy as np

from support import causal, example, identity, softmax


@example("entropy.attn", "entropy", sizes=dict(B=2, H=2, M=9, N=19, D=16, F=6), also=[dict(M=20, N=9)])
def entropy(Q, K, V):
    M, N = Q.shape[2], K.shape[2]
    keep = causal(M, N)
    S = np.where(keep, Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), -np.inf)
    top = S.max(-1, initial=-np.inf)
    some = np.isfinite(top)
    lse = np.where(some, top + np.log(np.exp(S - np.where(some, top, 0)[..., None]).sum(-1)), 0)
    A = softmax(S, keep)
    return A @ V, lse, lse - (A * np.where(keep, S, 0)).sum(-1)


@identity
def entropy_is_minus_the_sum_of_a_log_a(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    A = softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6))
    return entropy(Q, K, V)[2], -(A * np.log(np.where(A > 0, A, 1))).sum(-1)
