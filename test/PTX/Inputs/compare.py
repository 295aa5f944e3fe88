"""Inputs and comparisons of kernels-of-weirc.test.

make B H M N D F: q.npy, k.npy, v.npy in f32. compare A B: the entries differ by 2e-5 (1 + |b|) at most (sums of some dozen terms in f32).
"""
import sys

import numpy as np


def make(b, h, m, n, d, f):
    rng = np.random.default_rng(1)
    for name, shape in (("q", (b, h, m, d)), ("k", (b, h, n, d)), ("v", (b, h, n, f))):
        np.save(f"{name}.npy", rng.standard_normal(shape).astype(np.float32))


def compare(first, second):
    a, b = np.load(first), np.load(second)
    assert a.shape == b.shape, (a.shape, b.shape)
    worst = (np.abs(a - b) / (1 + np.abs(b))).max()
    assert worst <= 2e-5, worst


if sys.argv[1] == "make":
    make(*map(int, sys.argv[2:]))
else:
    compare(*sys.argv[2:])
