"""Retention, three ways of writing one function."""
import numpy as np

from support import example, identity

SIZES = dict(B=2, H=3, T=19, D=16, F=6)


def decays(rng, s):
    return 1 - 2.0 ** (-5 - np.arange(s.H) % 3) * np.where(np.arange(s.H) == 0, 16, 1)


def decay_matrix(GAM, T):
    """[h, m, n]: GAM^(m-n) for n <= m, else 0."""
    D = np.zeros_like(GAM, shape=(len(GAM), T, T))
    for m in range(T):
        for n in range(m + 1):
            D[:, m, n] = GAM ** (m - n)
    return D


@example("recurrent.attn", "retention", sizes=SIZES, draw=dict(GAM=decays),
         also=[dict(label="no decay", draw=dict(GAM=lambda r, s: np.ones(s.H)))])
def retention(Q, K, V, GAM, S0):
    T, D = Q.shape[2:]
    S, rows = S0, []
    for t in range(T):
        S = GAM[:, None, None] * S + (K[:, :, t] / np.sqrt(D))[..., :, None] * V[:, :, t, None, :]
        rows.append(np.einsum("bhd,bhdf->bhf", Q[:, :, t], S))
    return np.stack(rows, 2) if rows else V, S


@example("parallel.attn", "parallel_retention", sizes=dict(B=2, H=3, M=17, N=17, D=16, F=6), draw=dict(GAM=decays))
def parallel_retention(Q, K, V, GAM):
    M, N = Q.shape[2], K.shape[2]
    S = Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
    return (S * decay_matrix(GAM, max(M, N))[:, :M, :N]) @ V


@example("chunked.attn", "chunked_retention", sizes=SIZES, consts=dict(CS=4), draw=dict(GAM=decays), also=[dict(CS=1), dict(CS=64)])
def chunked_retention(Q, K, V, GAM):
    return parallel_retention(Q, K, V, GAM)


@identity
def recurrent_is_parallel(rng):
    Q, K, V = (rng.standard_normal((1, 3, 9, 4)) for _ in range(3))
    gamma = np.array([0.5, 0.9, 1.0])
    return retention(Q, K, V, gamma, np.zeros((1, 3, 4, 4)))[0], parallel_retention(Q, K, V, gamma)
