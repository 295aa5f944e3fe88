"""Tree attention: every draft's path to the root is walked."""
import numpy as np

from support import causal, example, grouped, identity, over_keys, softmax


def parents_of(rng, s):
    return np.array([rng.integers(-1, m) if m else -1 for m in range(s.M)], int)


def path(PAR, m):
    found = []
    while m >= 0:
        found.append(int(m))
        m = PAR[m]
    return found


def closure(rng, s):
    PAR = parents_of(rng, s)
    return np.array([[c in path(PAR, m) for c in range(s.M)] for m in range(s.M)], bool).reshape(s.M, s.M)


@example("parents.attn", "parents", sizes=dict(B=1, H=4, G=2, M=9, N=20, D=16, F=6), draw=dict(PAR=parents_of), lengths=False,
         also=[dict(M=1, N=1), dict(M=1), dict(N=9), dict(M=6, N=4), dict(label="a chain", draw=dict(PAR=lambda r, s: np.arange(s.M) - 1)),
               dict(label="a star", draw=dict(PAR=lambda r, s: np.full(s.M, -1)))])
def parents(Q, K, V, PAR):
    K, V = (grouped(x, Q.shape[1]) for x in (K, V))
    cached = K.shape[2] - Q.shape[2]
    return over_keys(Q, K, V, lambda m: [*range(cached), *(c + cached for c in sorted(path(PAR, m)) if c + cached >= 0)])


@example("tree.attn", "tree", sizes=dict(B=1, H=4, G=2, M=9, C=9, N=20, D=16, F=6), draw=dict(ANCESTOR=closure), lengths=False,
         also=[dict(M=1, C=1, N=1), dict(N=9), dict(M=6, C=6, N=4), dict(label="any matrix", draw=dict(ANCESTOR=lambda r, s: r.random((s.M, s.M)) < 0.3))])
def tree(Q, K, V, ANCESTOR):
    H, M, D = Q.shape[1:]
    K, V = (grouped(x, H) for x in (K, V))
    keep = np.concatenate([np.ones((M, max(K.shape[2] - M, 0)), bool), ANCESTOR], 1)[:, -K.shape[2]:]
    return softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(D), keep) @ V


@identity
def a_chain_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, n, 4)) for n in (4, 9, 9))
    return parents(Q, K, V, np.arange(4) - 1), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(4, 9)) @ V
