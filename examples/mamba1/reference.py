"""The selective scan of Mamba, channel by channel."""
import numpy as np

from support import example, sigmoid, softplus


@example("selective_scan.attn", "selective_scan", sizes=dict(B=2, T=19, C=5, E=4), logits=("U", "CM"),
         draw=dict(A=lambda r, s: -np.exp(r.standard_normal((s.C, s.E)))))
def selective_scan(U, DELTA, A, BM, CM, SKIP, GATE):
    B, T, C = U.shape
    x, rows = np.zeros_like(U, shape=(B, C, A.shape[1])), []
    for t in range(T):
        dt = softplus(DELTA[:, t])[..., None]
        x = np.exp(dt * A) * x + dt * BM[:, t, None, :] * U[:, t, :, None]
        y = (x * CM[:, t, None, :]).sum(-1) + SKIP * U[:, t]
        rows.append(y * GATE[:, t] * sigmoid(GATE[:, t]))
    return np.stack(rows, 1) if rows else U, x
