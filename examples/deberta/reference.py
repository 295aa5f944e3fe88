"""DeBERTa's disentangled attention: content-to-position and position-to-content through one bucket table."""
import numpy as np

from support import example, softmax


def bucket(r, span, far):
    middle = span // 2
    r = int(np.clip(r, 1 - far, far - 1))
    if abs(r) > middle:
        r = int(np.sign(r)) * (int(np.ceil(np.log(abs(r) / middle) / np.log((far - 1) / middle) * (middle - 1))) + middle)
    return int(np.clip(r + span, 0, 2 * span - 1))


@example("deberta.attn", "deberta", sizes=dict(B=2, H=2, N=29, D=16, F=6), consts=dict(SPAN=8, FAR=24),
         also=[dict(N=60), dict(label="all masked", draw=dict(MASK=lambda r, s: np.zeros((s.B, s.N), bool)))])
def deberta(Q, K, V, KR, QR, MASK, SPAN, FAR):
    N, D = Q.shape[2:]
    by_distance = np.array([bucket(r, SPAN, FAR) for r in range(1 - N, N)], int)
    place = by_distance[np.arange(N)[:, None] - np.arange(N) + N - 1] if N else np.zeros((0, 0), int)
    content = Q @ K.swapaxes(-1, -2)
    to_position = np.take_along_axis(Q @ KR.swapaxes(-1, -2), np.broadcast_to(place, content.shape), -1)
    from_position = np.take_along_axis(QR @ K.swapaxes(-1, -2), np.broadcast_to(place, content.shape), -2)
    keep = (MASK[:, :, None] & MASK[:, None, :])[:, None]
    return softmax((content + to_position + from_position) / np.sqrt(3 * D), keep) @ V
