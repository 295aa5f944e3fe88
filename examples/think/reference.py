"""ThinK's channel pruning."""
import numpy as np

from support import example, softmax


@example("think.attn", "think", sizes=dict(B=2, H=2, W=4, N=19, D=8, F=5), consts=dict(CHANNELS=5, RECENT=6), logits=("Q",),
         modes=("random", "huge"), also=[dict(CHANNELS=8), dict(RECENT=100)])
def think(QO, Q, K, V, CHANNELS, RECENT):
    B, H, N, D = K.shape
    O = np.zeros_like(Q, shape=(B, H, V.shape[-1]))
    for b, h in np.ndindex(B, H) if N else []:
        energy = (QO[b, h] ** 2).mean(0) * (K[b, h] ** 2).mean(0)
        kept = np.argsort(-energy, kind="stable")[:CHANNELS]
        old = max(0, N - RECENT)
        s = np.concatenate([K[b, h, :old][:, kept] @ Q[b, h, kept], K[b, h, old:] @ Q[b, h]])
        O[b, h] = softmax(s / np.sqrt(D)) @ V[b, h]
    return O
