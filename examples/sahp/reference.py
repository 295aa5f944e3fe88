"""Self-attentive Hawkes process: attention with an exponential score."""
import numpy as np

from support import causal, example, softmax


@example("sahp.attn", "sahp", sizes=dict(B=1, H=2, M=9, N=19, D=4, F=6), huge=1.25,
         draw=dict(K=lambda r, s: r.standard_normal((s.B, s.H, s.N, s.D)) / 2))
def sahp(Q, K, V):
    S = np.exp(np.einsum("bhmd,bhnd->bhmn", Q, K)) / np.sqrt(Q.shape[-1])
    return softmax(np.where(causal(Q.shape[2], K.shape[2], 0), S, -1e9)) @ V
