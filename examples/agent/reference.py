"""Agent attention: two softmaxes in a row."""
import numpy as np

from support import example, identity, softmax


@example("agent.attn", "agent", sizes=dict(B=2, H=2, M=7, N=19, R=5, D=16, F=6), logits=("Q", "AG"))
def agent(Q, K, V, AG, B1, B2):
    scale = np.sqrt(Q.shape[-1])
    gather = softmax(AG @ K.swapaxes(-1, -2) / scale + B1)
    spread = softmax(Q @ AG.swapaxes(-1, -2) / scale + B2)
    return (spread @ gather) @ V


@identity
def rows_sum_to_one(rng):
    Q, K, A = rng.standard_normal((1, 2, 6, 4)), rng.standard_normal((1, 2, 8, 4)), rng.standard_normal((1, 2, 3, 4))
    return agent(Q, K, np.ones((1, 2, 8, 1)), A, np.zeros((2, 3, 8)), np.zeros((2, 6, 3))), np.ones((1, 2, 6, 1))
