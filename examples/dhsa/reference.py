"""DHSA: greedy boundaries, chunk scores, chosen tokens."""
import numpy as np

from support import causal, example, identity, largest, over_keys, softmax


@example("boundaries.attn", "boundaries", sizes=dict(B=3, N=29), consts=dict(GAP=3), params=dict(theta=0.25), modes=("random", "equal"),
         draw=dict(P=lambda r, s: r.integers(0, 16, (s.B, s.N)) / 16), also=[dict(GAP=0), dict(theta=2.0)])
def boundaries(P, GAP, theta):
    AT = np.zeros(P.shape, bool)
    for b in range(len(P)):
        for n in largest(P[b], P.shape[1]):
            AT[b, n] = P[b, n] > theta and not AT[b, max(0, n - GAP):n + GAP + 1].any()
    return AT


def first(rng, s):
    return np.array([np.concatenate([np.zeros(min(s.R, 1)), 1 + np.sort(rng.choice(20, max(s.R - 1, 0), replace=False))]) for _ in range(s.B)])


@example("dhsa.attn", "dhsa", sizes=dict(B=2, H=2, M=19, N=23, D=4, F=5, R=6), consts=dict(BQ=4, TOP=4, LOCAL=7), draw=dict(FIRST=first),
         modes=("random", "huge"), huge=4.0, also=[dict(TOP=1), dict(LOCAL=40), dict(BQ=32)])
def dhsa(Q, K, V, FIRST, BQ, TOP, LOCAL):
    (B, H, M, D), N = Q.shape, K.shape[2]
    O = np.zeros_like(Q, shape=(B, H, M, V.shape[-1]))
    for b in range(B):
        chunk = np.searchsorted(FIRST[b], np.arange(N), "right") - 1
        member = chunk == np.arange(FIRST.shape[1])[:, None]
        chunks = member @ K[b].mean(0) / np.sqrt(np.maximum(member.sum(1, keepdims=True), 1))
        for start in range(0, M, BQ):
            rows = slice(start, min(M, start + BQ))
            worth = (chunks @ (Q[b][:, rows].mean((0, 1)) * np.sqrt(rows.stop - start)))[chunk]
            local = max(0, rows.stop + N - M - N // LOCAL)
            keep = np.isin(np.arange(N), largest(worth[:local], N // TOP)) | (np.arange(N) >= local)
            O[b][:, rows] = softmax(Q[b][:, rows] @ K[b].swapaxes(-1, -2) / np.sqrt(D), causal(M, N)[rows] & keep) @ V[b]
    return O


@identity
def as_many_tokens_as_there_are_is_causal_attention(rng):
    Q, K, V = rng.standard_normal((3, 1, 2, 9, 4))
    return dhsa(Q, K, V, np.array([[0, 2, 7]]), 4, 1, 9), over_keys(Q, K, V, lambda m: range(m + 1))
