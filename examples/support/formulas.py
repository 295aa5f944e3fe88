"""Small formulas that several references use, in float64 and plain NumPy."""
import math

import numpy as np


def softmax(scores, keep=True, axis=-1):
    """Weights over `axis` (an int or a tuple); entries outside `keep` weigh 0, and so does all of a row without any."""
    scores = np.where(keep, scores, -np.inf)
    top = np.max(scores, axis=axis, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = np.sum(weights, axis=axis, keepdims=True)
    return weights / np.where(total == 0, 1, total)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu(x):
    """x times the share of a normal distribution that lies below x."""
    erf = np.vectorize(math.erf, otypes=[float])(np.asarray(x, float) / math.sqrt(2))
    return x * (1 + np.ones_like(x) * erf) / 2  # ones of x's class: the sum's rounding counts


def causal(rows, columns, offset=None):
    """keep[m, n]: n <= m + offset; by default the last query sees every key."""
    offset = columns - rows if offset is None else offset
    return np.arange(columns)[None, :] <= np.arange(rows)[:, None] + offset


def grouped(x, heads, axis=1):
    """Repeats the groups of `axis` so that there is one for each of `heads` heads."""
    return np.repeat(x, heads // x.shape[axis], axis=axis)


def over_keys(Q, K, V, seen):
    """Attention of Q [B,H,M,D] over K [B,H,N,D] and V [B,H,N,F], a query at a time: query m sees the keys that seen(m) lists, and without
    any its row is 0."""
    out = np.zeros_like(Q, shape=Q.shape[:3] + V.shape[3:])
    for m in range(Q.shape[2]):
        keys = list(seen(m))
        if keys:
            out[:, :, m] = (softmax(Q[:, :, m, None] @ K[:, :, keys].swapaxes(-1, -2) / np.sqrt(Q.shape[-1])) @ V[:, :, keys])[:, :, 0]
    return out


def largest(values, count):
    """Where the largest of `values` stand, the largest first; of equal ones the first."""
    return sorted(range(len(values)), key=lambda i: (-float(values[i]), i))[:count]


def round_to(x, dtype):
    """x rounded to the values of `dtype` (half to even), kept as float64."""
    if dtype == "f64":
        return x
    if dtype in ("f32", "f16"):
        with np.errstate(over="ignore"):
            return np.asarray(x).astype({"f32": np.float32, "f16": np.float16}[dtype]).astype(np.float64)
    assert dtype == "bf16", dtype
    bits = np.asarray(x).astype(np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)
