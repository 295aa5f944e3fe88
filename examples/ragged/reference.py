"""Variable-length attention: every sequence is cut out and attended alone."""
import numpy as np

from support import causal, example, grouped, identity, softmax


def offsets(total):
    """Rising offsets from 0 to the extent called `total`, some sequences empty."""
    def draw(rng, s):
        length = getattr(s, total)
        return np.concatenate([[0], np.sort(rng.integers(0, length + 1, s.U - 2)), [length]])
    return draw


@example("ragged.attn", "ragged", sizes=dict(M=23, N=31, H=4, G=2, D=16, F=6, U=5), draw=dict(CUQ=offsets("M"), CUK=offsets("N")),
         also=[dict(U=2), dict(U=30), dict(M=40, N=11, label="more queries than keys"),
               dict(label="tokens of no sequence", draw=dict(CUQ=lambda r, s: np.array([2, 5, 9, 9, 20]), CUK=lambda r, s: np.array([3, 7, 8, 9, 30])))])
def ragged(Q, K, V, CUQ, CUK):
    M, H, D = Q.shape
    out, lse = np.zeros_like(Q, shape=(M, H, V.shape[-1])), np.full_like(Q, -np.inf, shape=(M, H))
    for a in range(len(CUQ) - 1):
        q = Q[CUQ[a]:CUQ[a + 1]]
        k, v = (grouped(x[CUK[a]:CUK[a + 1]], H) for x in (K, V))
        if not len(q) or not len(k):
            continue
        keep = causal(len(q), len(k))
        S = np.where(keep, np.einsum("mhd,nhd->hmn", q, k) / np.sqrt(D), -np.inf)
        out[CUQ[a]:CUQ[a + 1]] = np.einsum("hmn,nhf->mhf", softmax(S, keep), v)
        top = S.max(-1)
        safe = np.where(np.isfinite(top), top, 0)
        lse[CUQ[a]:CUQ[a + 1]] = (safe + np.log(np.exp(S - safe[..., None]).sum(-1))).T
    return out, lse


@identity
def one_sequence_is_causal(rng):
    Q, K, V = (rng.standard_normal((n, 2, 4)) for n in (5, 7, 7))
    S = np.einsum("mhd,nhd->hmn", Q, K) / 2
    return ragged(Q, K, V, np.array([0, 5]), np.array([0, 7]))[0], np.einsum("hmn,nhf->mhf", softmax(S, causal(5, 7)), V)
