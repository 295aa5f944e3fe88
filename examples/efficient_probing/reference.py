"""Probing by learned queries, and SimPool."""
import numpy as np

from support import example, identity, softmax


@example("efficient_probing.attn", "efficient_probing", sizes=dict(B=2, I=4, N=17, D=8, C=3), logits=("U",))
def efficient_probing(U, X, WV):
    A = softmax(np.einsum("id,bnd->bin", U, X) / np.sqrt(X.shape[-1]))
    pooled = np.einsum("bin,bnd->bid", A, X)
    return np.einsum("icd,bid->bic", WV, pooled)


@example("simpool.attn", "simpool", sizes=dict(B=2, N=17, D=8, E=4), params=dict(gamma=1.25), logits=("WQ",), huge=8.0, also=[dict(gamma=2.0)],
         draw=dict(X=lambda r, s: r.standard_normal((s.B, s.N, s.D))))
def simpool(X, WQ, WK, gamma):
    if X.shape[1] == 0:
        return np.zeros_like(X, shape=(X.shape[0], X.shape[2]))
    apart = X - X.mean(-1, keepdims=True)
    Y = apart / np.sqrt((apart ** 2).mean(-1, keepdims=True) + 1e-6)
    s = np.einsum("be,bne->bn", X.mean(1) @ WQ.T, Y @ WK.T) / np.sqrt(len(WQ))
    return np.einsum("bn,bnd->bd", softmax(s), (Y - Y.min() + 1e-6) ** gamma) ** (1 / gamma)


@identity
def one_query_of_zeros_is_the_mean(rng):
    X = rng.standard_normal((2, 9, 4))
    return efficient_probing(np.zeros((1, 4)), X, np.eye(4)[None])[:, 0], X.mean(1)
