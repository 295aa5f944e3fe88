"""Vista-LLaMA's equal distance to visual tokens."""
import numpy as np

from support import causal, example, softmax


@example("vista.attn", "vista", sizes=dict(B=2, H=2, N=19, D=16, F=5), logits=("Q", "QR"),
         draw=dict(VISUAL=lambda r, s: np.broadcast_to(np.arange(s.N) % 7 < 3, (s.B, s.N))),
         also=[dict(label="no image", draw=dict(VISUAL=lambda r, s: np.zeros((s.B, s.N), bool))),
               dict(label="only image", draw=dict(VISUAL=lambda r, s: np.ones((s.B, s.N), bool)))])
def vista(Q, K, QR, KR, V, VISUAL):
    N, D = Q.shape[2:]
    seen = VISUAL[:, None, None, :]
    S = np.where(seen, Q @ K.swapaxes(-1, -2), QR @ KR.swapaxes(-1, -2)) / np.sqrt(D)
    return softmax(S, seen | causal(N, N)) @ V * ~VISUAL[:, None, :, None]
