"""Attention over a shared prefix and own keys as one softmax over both."""
import numpy as np

from support import example, softmax


def lengths(rng, s):
    return np.array([s.N, 0, min(3, s.N)])[:s.B]


@example("shared_prefix.attn", "shared_prefix", sizes=dict(B=3, H=2, M=4, L=9, N=13, D=16, F=5), draw=dict(LEN=lengths),
         also=[dict(L=0), dict(L=0, N=0), dict(L=1)], logits=("Q",))
def shared_prefix(Q, KP, VP, K, V, LEN):
    both = lambda shared, own: np.concatenate([np.broadcast_to(shared, (len(own), *shared.shape)), own], 2)
    k, v = both(KP, K), both(VP, V)
    keep = np.arange(k.shape[2]) < (KP.shape[1] + LEN)[:, None]
    return softmax(Q @ k.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), keep[:, None, None]) @ v


@example("partial.attn", "partial", sizes=dict(B=3, H=2, M=4, N=13, D=16, F=5), draw=dict(LEN=lengths))
def partial(Q, K, V, LEN):
    keep = (np.arange(K.shape[2]) < LEN[:, None])[:, None, None]
    S = np.where(keep, Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]), -np.inf)
    top = S.max(-1, initial=-np.inf)
    some = np.isfinite(top)
    lse = np.where(some, np.where(some, top, 0) + np.log(np.exp(S - np.where(some, top, 0)[..., None]).sum(-1)), 0)
    return softmax(S, keep) @ V, lse
