"""Attention compiled from the language (argument 1, D open), through weir.py: every length, any strides, any number of threads."""
import sys

import numpy as np

import weir

kernel = weir.load(sys.argv[1], "attention")
random = np.random.default_rng(0)


def reference(q, k, v):
    s = np.einsum("bhmd,bhnd->bhmn", q, k, dtype=float) / np.sqrt(max(q.shape[-1], 1))
    p = np.exp(s - s.max(-1, keepdims=True, initial=-np.inf))
    return np.einsum("bhmn,bhnf->bhmf", p / p.sum(-1, keepdims=True), v) if k.shape[2] else np.zeros(q.shape[:3] + v.shape[3:])


for b, h, m, n, d, f in ((1, 2, 33, 47, 16, 5), (2, 3, 1, 1, 64, 64), (1, 1, 4, 0, 8, 3), (0, 1, 2, 3, 4, 5), (1, 2, 8, 9, 1, 0)):
    q, k, v = (random.standard_normal(shape).astype(np.float32) for shape in ((b, h, m, d), (b, h, n, d), (b, h, n, f)))
    result = kernel(Q=q, K=k, V=v)["O"]
    assert result.shape == (b, h, m, f) and np.abs(result - reference(q, k, v)).max(initial=0) < 2e-6
    # Heads beside each other in memory, and keys transposed.
    apart = kernel(Q=q.transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3), K=np.asfortranarray(k), V=v)["O"]
    assert np.array_equal(apart, result)
    for threads in (1, 2, 3):
        assert np.array_equal(kernel(Q=q, K=k, V=v, threads=threads)["O"], result)
print("attention: all right")
