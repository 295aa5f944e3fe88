"""Inputs and comparisons of kernels-of-weirc.test.

make B H M N D F: q.npy, k.npy, v.npy in f32; make16: what 16 bits hold. compare A B: the entries differ by 2e-5 (1 + |b|) at most (sums of some dozen terms in f32).
compare-tf32 A: softmax of q.npy, k.npy, v.npy, each rounded to a significand of 11 bits, and weights that are rounded likewise, as above.
turns FILE: of what weir-ptx-run --statistics says: each access of a warp to shared memory is one of 16 bytes a thread, or of 4, and needs the least
number of turns of the banks, four or one. overhead FEW MANY PERCENT: two such statistics, of a kernel with few keys and with more whole tiles of them; of what
warps execute more, moves and casts not counted, at most so much is neither mma, ldmatrix, cp.async nor the softmax's own arithmetic.
compare16 A B BITS: of results and weights that are rounded to a significand of BITS bits. A weight of at most 1 is off by 2^-BITS of itself, so a mean
of values (or a sum with weights that are less) is off by as much of the largest value times the weights' sum, at most 1; and both results are rounded.
"""
import collections
import re
import sys

import numpy as np


def to16(x):
    """What both 16-bit types hold, as f32: 8 bits of significand, 5 of exponent."""
    bits = x.astype(np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float16).astype(np.float32)


def make(b, h, m, n, d, f, rounded=lambda x: x.astype(np.float32)):
    rng = np.random.default_rng(1)
    for name, shape in (("q", (b, h, m, d)), ("k", (b, h, n, d)), ("v", (b, h, n, f))):
        np.save(f"{name}.npy", rounded(rng.standard_normal(shape)))


def compare(first, second):
    a, b = np.load(first), np.load(second)
    assert a.shape == b.shape, (a.shape, b.shape)
    worst = (np.abs(a - b) / (1 + np.abs(b))).max()
    assert worst <= 2e-5, worst


def compare16(first, second, bits):
    a, b = np.load(first), np.load(second)
    assert a.shape == b.shape, (a.shape, b.shape)
    unit = 2.0 ** -int(bits)
    worst = (np.abs(a - b) / (unit * (np.abs(np.load("v.npy")).max() + 2 * np.abs(b)) + 2e-5)).max()
    assert worst <= 1, worst


def to_tf32(x):
    """The nearest of 11 bits of significand, of two the larger one, in f64."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


def compare_tf32(path):
    q, k, v = (to_tf32(np.load(f"{name}.npy")) for name in "qkv")
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    off = np.abs(np.load(path) - weights @ v) / (2.0**-11 * (weights @ np.abs(v)) + 2e-5)
    assert off.max() <= 1, off.max()


MOVES = re.compile(r"mov\.|cvta\.|ld\.param\.|cvt\.[su]\d+\.[su]\d+$")
# Sums and functions of f32, maxima and sums of a row over the threads that have it, the rounding of weights.
USEFUL = re.compile(r"mma\.|ldmatrix\.|cp\.async\.|(add|sub|mul|fma|max|min|ex2|div|rcp)\..*f32$|shfl\.|cvt\.rn\.(b?f16)(x2)?\.f32$")


def executed(path):
    counts = re.findall(r"^ +(\d+)  ([a-z]\S+)$", open(path).read(), re.MULTILINE)
    return collections.Counter({opcode: int(count) for count, opcode in counts})


def overhead(few, many, percent):
    tiles = executed(many) - executed(few)
    assert any(opcode.startswith("mma.") for opcode in tiles), tiles
    counted = {opcode: count for opcode, count in tiles.items() if not MOVES.match(opcode)}
    rest = {opcode: count for opcode, count in counted.items() if not USEFUL.match(opcode)}
    share = 100 * sum(rest.values()) / sum(counted.values())
    assert share <= float(percent), (share, sorted(rest.items(), key=lambda item: -item[1]))


if sys.argv[1] == "make":
    make(*map(int, sys.argv[2:]))
elif sys.argv[1] == "make16":
    make(*map(int, sys.argv[2:]), to16)
elif sys.argv[1] == "turns":
    statistics = open(sys.argv[2]).read()
    accesses, turns = map(int, re.search(r"(\d+) accesses of warps, (\d+) turns", statistics).groups())
    short = sum(map(int, re.findall(r"(\d+)  (?:ld|st)\.shared\.b32", statistics)))
    assert turns == 4 * (accesses - short) + short > 0, (accesses, short, turns)
elif sys.argv[1] == "compare-tf32":
    compare_tf32(sys.argv[2])
elif sys.argv[1] == "overhead":
    overhead(*sys.argv[2:])
elif sys.argv[1] == "compare16":
    compare16(*sys.argv[2:])
else:
    compare(*sys.argv[2:])
