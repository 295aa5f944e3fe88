"""Causal attention inside packed documents: one document at a time."""
import numpy as np

from support import causal, example, identity, softmax


def packed(rng, s):
    return np.sort(rng.integers(0, 4, (s.B, s.N)), axis=-1)


@example("document.attn", "document", sizes=dict(B=2, H=2, N=23, D=16, F=6), draw=dict(DOC=packed),
         also=[dict(label="ids in any order", draw=dict(DOC=lambda r, s: r.integers(-2, 3, (s.B, s.N)))),
               dict(label="every token alone", draw=dict(DOC=lambda r, s: np.tile(np.arange(s.N), (s.B, 1))))])
def document(Q, K, V, DOC):
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b in range(len(Q)):
        for doc in np.unique(DOC[b]):
            t = np.flatnonzero(DOC[b] == doc)
            S = Q[b][:, t] @ K[b][:, t].swapaxes(-1, -2) / np.sqrt(Q.shape[-1])
            out[b][:, t] = softmax(S, causal(len(t), len(t))) @ V[b][:, t]
    return out


def starts(rng, s):
    """Documents laid end to end: where each of s.U begins."""
    return np.sort(np.random.default_rng(s.N).integers(0, s.N + 1, (s.B, s.U)), axis=-1) * (np.arange(s.U) > 0)


def ids(rng, s):
    begin = starts(rng, s)
    return np.stack([np.searchsorted(row, np.arange(s.N), side="right") - 1 for row in begin])


@example("prefix_document.attn", "prefix_document", sizes=dict(B=2, H=2, N=23, D=16, F=6, U=4),
         draw=dict(DOC=ids, START=starts, PRE=lambda r, s: r.integers(0, 1 + s.N // 2, (s.B, s.U))),
         also=[dict(U=1), dict(label="no prefix", draw=dict(PRE=lambda r, s: np.zeros((s.B, s.U)))),
               dict(label="all prefix", draw=dict(PRE=lambda r, s: np.full((s.B, s.U), s.N)))])
def prefix_document(Q, K, V, DOC, START, PRE):
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for b in range(len(Q)):
        for u in np.unique(DOC[b]):
            t = np.flatnonzero(DOC[b] == u)
            keep = causal(len(t), len(t)) | (np.arange(len(t)) < PRE[b, u])
            out[b][:, t] = softmax(Q[b][:, t] @ K[b][:, t].swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep) @ V[b][:, t]
    return out


@identity
def documents_without_prefix_are_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    doc = np.array([[0, 0, 1, 1, 1, 1]])
    return prefix_document(Q, K, V, doc, np.array([[0, 2]]), np.zeros((1, 2), int)), document(Q, K, V, doc)


@identity
def one_document_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return document(Q, K, V, np.zeros((1, 6), int)), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
