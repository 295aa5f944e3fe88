"""FuseMax's cascades. The attention ones carry no scale and no mask, as published."""
import numpy as np

from support import example, softmax


def positive(name):
    return lambda rng, s: rng.uniform(0.5, 2, s.K)


PAIR = dict(sizes=dict(K=23), logits=(), modes=("random", "equal"), lengths=False)


@example("cascades.attn", "cascade1", also=[dict(K=0), dict(K=1), dict(K=100)], **PAIR)
def cascade1(A, B):
    return (A @ B) * A.sum()


@example("cascades.attn", "cascade2", also=[dict(K=0), dict(K=1), dict(K=100)], **PAIR)
def cascade2(A, B):
    return (A @ B) * A.sum()


# The iterative form divides by partial sums: positive inputs keep them away from 0.
@example("cascades.attn", "cascade3", draw=dict(A=positive("A"), B=positive("B")), also=[dict(K=0), dict(K=1), dict(K=100)], **PAIR)
def cascade3(A, B):
    """Term by term: every prefix product is rescaled to the longer prefix."""
    y = z = A.sum() * 0
    for a, b in zip(A, B):
        longer = y + a * b
        z = (z * longer / y if y != 0 else 0 * z) + longer * a
        y = longer
    return z


WHOLE = dict(sizes=dict(M=7, N=19, D=16, F=6), huge=8.0)
PARTS = dict(sizes=dict(M=7, N=19, D=16, F=6), consts=dict(CS=4), huge=8.0, also=[dict(CS=1), dict(CS=32), dict(N=16)])


def attention(Q, K, V):
    return softmax(Q @ K.T) @ V


for name in ("three_pass", "three_pass_deferred"):
    example("attention.attn", name, **WHOLE)(attention)
for name in ("two_pass", "one_pass"):
    example("attention.attn", name, **PARTS)(attention)
