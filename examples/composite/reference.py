"""EE-MLLM's composite attention."""
import numpy as np

from support import example, identity, softmax


@example("composite.attn", "composite", sizes=dict(B=1, H=2, M=9, N=21, D=16, F=6), lengths=False, also=[dict(M=1, N=1), dict(M=13, N=13), dict(M=1)])
def composite(Q, K, V):
    visual = K.shape[2] - Q.shape[2]
    rows = []
    for m in range(Q.shape[2]):
        k, v = (np.concatenate([x[:, :, :visual], x[:, :, visual:][:, :, :m + 1]], 2) for x in (K, V))
        rows.append(softmax(Q[:, :, m, None] @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ v)
    return np.concatenate(rows, 2)


@identity
def without_images_it_is_causal(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    return composite(Q, K, V), softmax(Q @ K.swapaxes(-1, -2) / 2, np.tri(6, dtype=bool)) @ V
