"""Multi-head latent attention, the plain way: keys and values decompressed for every head."""
import numpy as np

from support import causal, example, softmax


@example("mla.attn", "mla", sizes=dict(B=2, H=3, M=5, N=19, E=8, R=4, L=12, F=6), logits=("QN", "QR"),
         draw=dict(WK=lambda r, s: r.standard_normal((s.H, s.E, s.L)) / 3, WV=lambda r, s: r.standard_normal((s.H, s.F, s.L)) / 3),
         also=[dict(M=1, N=40)])
def mla(QN, QR, C, KR, WK, WV):
    B, H, M, E = QN.shape
    N = C.shape[1]
    out = []
    for h in range(H):
        K = np.concatenate([C @ WK[h].T, KR], -1)
        Q = np.concatenate([QN[:, h], QR[:, h]], -1)
        V = C @ WV[h].T
        out.append(softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(E + QR.shape[-1]), causal(M, N)) @ V)
    return np.stack(out, 1)
