"""Paged decoding: each sequence's keys and values copied out of its pages first."""
import numpy as np

from support import example


def tables(rng, s):
    """Distinct pages for each sequence, -1 where a page is beyond its length."""
    pages = np.full((s.B, s.J), -1)
    for b in range(s.B):
        used = min(s.J, s.P)
        pages[b, :used] = rng.permutation(s.P)[:used]
    return pages


@example("paged.attn", "paged", sizes=dict(B=3, H=4, G=2, P=11, PS=4, J=6, D=16, F=6), logits=("Q", "KC"),
         draw=dict(PT=tables, LEN=lambda r, s: np.array([s.J * s.PS, 0, min(s.J * s.PS, 7)])[:s.B]),
         also=[dict(J=1), dict(PS=1), dict(PS=16), dict(J=0), dict(B=1, H=1, G=1),
               dict(label="missing pages", draw=dict(PT=lambda r, s: np.where(r.random((s.B, s.J)) < 0.5, -1, r.integers(0, s.P, (s.B, s.J)))))])
def paged(Q, KC, VC, PT, LEN):
    B, H, D = Q.shape
    size, groups = KC.shape[1:3]
    out = np.zeros_like(Q, shape=(B, H, VC.shape[-1]))
    lse = np.full_like(Q, -np.inf, shape=(B, H))
    for b in range(B):
        slots = [(PT[b, t // size], t % size) for t in range(LEN[b]) if PT[b, t // size] >= 0]
        for h in range(H if slots else 0):
            g = h * groups // H
            keys = np.stack([KC[page, slot, g] for page, slot in slots])
            values = np.stack([VC[page, slot, g] for page, slot in slots])
            s = keys @ Q[b, h] / np.sqrt(D)
            e = np.exp(s - s.max())
            out[b, h] = e @ values / e.sum()
            lse[b, h] = s.max() + np.log(e.sum())
    return out, lse
