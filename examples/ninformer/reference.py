"""A gate from an MLP-mixer."""
import numpy as np

from support import example, gelu, identity


def layernorm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)


@example("ninformer.attn", "ninformer", sizes=dict(B=2, M=7, C=6, P=5, D=4), modes=("random",), lengths=False, also=[dict(M=1)])
def ninformer(X, WV, T1, TB1, T2, TB2, F1, FB1, F2, FB2):
    tokens = T2 @ gelu(T1 @ layernorm(X) + TB1[:, None]) + TB2[:, None]
    Y = X + tokens
    return X @ WV.T * (Y + gelu(layernorm(Y) @ F1.T + FB1) @ F2.T + FB2)


@identity
def a_mixer_of_zeros_gates_tokens_by_themselves(rng):
    X, W = rng.standard_normal((2, 5, 4)), rng.standard_normal((4, 4))
    zero = np.zeros
    return ninformer(X, W, zero((3, 5)), zero(3), zero((5, 3)), zero(5), zero((2, 4)), zero(2), zero((4, 2)), zero(4)), X @ W.T * X
