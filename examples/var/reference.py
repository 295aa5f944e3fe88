"""Visual attention redistribution, token by token."""
import numpy as np

from support import causal, example, softmax


def states(rng, s):
    """Hidden states in which about a quarter of the tokens carry a huge channel."""
    x = rng.standard_normal((s.B, s.N, s.C)) * 0.1
    for b in range(s.B):
        for n in np.flatnonzero(rng.random(s.N) < 0.25):
            x[b, n, rng.integers(0, s.C)] = 50
    return x


@example("var.attn", "var", sizes=dict(B=2, H=3, M=9, N=17, D=16, F=6, C=900, J=450), params=dict(tau=20.0, keep=0.6, rho=0.5),
         draw=dict(X=states, DIMS=lambda r, s: np.arange(s.J), IMAGE=lambda r, s: (np.arange(s.N) % 3 != 0) & np.ones((s.B, 1), bool)),
         also=[dict(rho=0.125), dict(label="no image", draw=dict(IMAGE=lambda r, s: np.zeros((s.B, s.N), bool)))], huge=5.0)
def var(Q, K, V, X, DIMS, IMAGE, tau, keep, rho):
    B, H, M, D = Q.shape
    N = K.shape[2]
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(D), causal(M, N))
    level = np.abs(X) / np.sqrt((X ** 2).mean(-1, keepdims=True) + 1e-6)
    sink = level[:, :, DIMS].max(-1) > tau
    out = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b in range(B):
        image, text = IMAGE[b] & ~sink[b], ~IMAGE[b] & sink[b]
        both = IMAGE[b] & sink[b]
        for h in range(H):
            for m in range(M):
                a = A[b, h, m].copy()
                in_sinks, in_image = a[both].sum(), a[image].sum()
                total = in_sinks + in_image
                if in_image > 0 and total >= 0.2 and in_sinks <= rho * (total + 1e-6):
                    budget = (1 - keep) * (in_sinks + a[text].sum())
                    grown = a[image] + budget * a[image] / in_image
                    a[sink[b]] = keep * a[sink[b]]
                    a[image] = grown
                out[b, h, m] = a @ V[b, h]
    return out
