"""qLSTM, step by step."""
import math

import numpy as np

from support import example, sigmoid


def erf(x):
    """As an operation on arrays: the derivative's integral by math.erf, and the noise of a multiplication."""
    return np.vectorize(math.erf, otypes=[float])(x) * np.ones_like(x)


@example("qlstm.attn", "qlstm", sizes=dict(B=2, T=19, C=5), logits=("X",))
def qlstm(X, WC, IN, FORGET, POWER, GATE, OUT):
    h, rows = np.zeros_like(X[:, :0].sum(1)), []
    for t in range(X.shape[1]):
        u = 0 * h
        for i in range(min(4, t + 1)):
            u = u + WC[:, i] * X[:, t - i]
        h = sigmoid(-FORGET[:, t]) ** np.maximum(POWER, 0) * h + sigmoid(IN[:, t]) * u
        gelu = GATE[:, t] * (1 + erf(GATE[:, t] / np.sqrt(2))) / 2
        rows.append(gelu * sigmoid(OUT[:, t]) * h)
    return np.stack(rows, 1) if rows else X
