"""MQSA with a windowed mean as the query."""
import numpy as np

from support import causal, example, softmax


@example("mqsa.attn", "mqsa", sizes=dict(B=2, N=19, C=6, D=8, F=5), consts=dict(W=4), logits=("WQ", "K"),
         draw=dict(MASK=lambda r, s: np.broadcast_to(np.arange(s.N) >= s.N // 3, (s.B, s.N))), also=[dict(W=1), dict(W=64)])
def mqsa(X, WQ, K, V, MASK, W):
    B, N, _ = X.shape
    mean = np.zeros_like(X)
    for b in range(B):
        for n in range(N):
            window = [t for t in range(max(0, n - W + 1), n + 1) if MASK[b, t]]
            if window:
                mean[b, n] = X[b, window].mean(0)
    S = (mean @ WQ) @ K.swapaxes(-1, -2) / np.sqrt(K.shape[-1])
    S = np.where(MASK[:, None] & causal(N, N), S, -2.0 ** 32 + 1)
    return softmax(S) @ V * MASK[..., None]
