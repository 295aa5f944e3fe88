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


@identity
def one_document_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return document(Q, K, V, np.zeros((1, 6), int)), softmax(Q @ K.swapaxes(-1, -2) / 2, causal(6, 6)) @ V
