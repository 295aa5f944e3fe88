"""Column sums of attention, scaled."""
import numpy as np

from support import causal, example, identity, softmax


def received(Q, K):
    M = Q.shape[2]
    A = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), causal(M, M))
    return A.mean(0).sum((0, 1)) / (M - np.arange(M))


@example("rsq.attn", "rsq", sizes=dict(B=2, H=2, M=11, D=4), params=dict(low=1.0, high=3.0), modes=("random", "huge"))
def rsq(Q, K, low, high):
    c = received(Q, K)
    if len(c) == 0 or not c.max() > c.min():
        return np.full(len(c), low)
    return low + (high - low) * (c - c.min()) / (c.max() - c.min())


@identity
def the_weights_of_all_tokens_are_as_many_as_queries(rng):
    Q, K = rng.standard_normal((2, 1, 3, 9, 4))
    return np.array((received(Q, K) * (9 - np.arange(9))).sum()), np.array(27.0)
