"""DARE's search and target attention."""
import numpy as np

from support import example, identity, largest, softmax


@example("dare.attn", "dare", sizes=dict(B=4, N=17, D=8, E=3, F=5), consts=dict(TOP=4), modes=("random", "huge"), logits=("QA",), huge=8.0,
         draw=dict(LEN=lambda r, s: np.minimum(s.N, [0, 2, 9, 17])), also=[dict(TOP=20)])
def dare(QA, KA, QT, KT, QR, R, LEN, TOP):
    scores = np.einsum("bd,bnd->bn", QA, KA) / np.sqrt(QA.shape[1]) + np.einsum("be,bne->bn", QT, KT) / np.sqrt(QT.shape[1])
    O, AT = np.zeros_like(R, shape=QR.shape), np.full((len(QA), TOP), -1)
    for b, s in enumerate(scores):
        found = largest(s[:LEN[b]], TOP)
        AT[b, :len(found)] = found
        if found:
            O[b] = QR[b] * (softmax(s[found]) @ R[b, found])
    return O, AT


@identity
def a_long_list_is_attention_with_two_scores(rng):
    QA, QT, QR = rng.standard_normal((3, 1, 4))
    KA, KT, R = rng.standard_normal((3, 1, 9, 4))
    return dare(QA, KA, QT, KT, QR, R, np.array([9]), 9)[0][0], softmax((KA[0] @ QA[0] + KT[0] @ QT[0]) / 2) @ R[0] * QR[0]
