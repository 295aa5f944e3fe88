"""SPT's sparse attention with an exact selection."""
import numpy as np

from support import example


@example("quantised_codes.attn", "quantised_codes", sizes=dict(B=1, H=2, M=9, N=17, J=4, D=4, Z=5, F=5), consts=dict(TOP=4), exact=True,
         huge=2.0, tiny=1.0, modes=("random",), draw=dict(CODE=lambda r, s: r.integers(-3, 4, (s.J, s.Z, s.D)) / 2), also=[dict(TOP=30)])
def quantised_codes(Q, K, V, CODE, TOP):
    B, H, M, J, D = Q.shape
    N = K.shape[2]
    nearest = lambda x: np.abs(x[..., None, :] - CODE).sum(-1).argmin(-1)
    cq, ck = nearest(Q), nearest(K)
    O = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b, h, m in np.ndindex(B, H, M):
        same = [(-(cq[b, h, m] == ck[b, h, n]).sum(), n) for n in range(max(0, min(N, m + N - M + 1)))]
        keys = [n for _, n in sorted(same)[:TOP]]
        if keys:
            s = np.clip(np.einsum("njd,jd->n", K[b, h, keys], Q[b, h, m]) / np.sqrt(J * D), -10, 10)
            O[b, h, m] = np.exp(s) @ V[b, h, keys] / np.exp(s).sum()
    return O
