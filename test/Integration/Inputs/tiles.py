"""Runs a level-4 softmax kernel over lengths with remainders and compares with NumPy in f64.

    tiles.py KERNEL.tiled.mlir

Allowed: the rounding of a score of D products, of its exponential (whose argument is off by that much), and of sums of N terms.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np


def main():
    kernel, random, depth = sys.argv[1], np.random.default_rng(0), 64
    targets = ["cpu:x86-64-v3"] + (["cpu:x86-64-v4"] if "avx512dq" in pathlib.Path("/proc/cpuinfo").read_text() else [])
    with tempfile.TemporaryDirectory() as folder:
        for rows, keys in [(1, 1), (16, 32), (17, 31), (3, 100), (65, 1), (40, 129)]:
            q, k, v = (random.standard_normal((n, depth), dtype=np.float32) for n in (rows, keys, keys))
            for name, array in zip("QKV", (q, k, v)):
                np.save(f"{folder}/{name}.npy", array)
            scores = q.astype(np.float64) @ k.T.astype(np.float64)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            expected = weights / weights.sum(axis=1, keepdims=True) @ v
            score_error = depth * 2.0**-24 * (np.abs(q) @ np.abs(k).T).max()
            allowed = (4 * score_error + (2 * keys + 8) * 2.0**-24) * np.abs(v).max()
            for target in targets:
                inputs = [word for name in "QKV" for word in ("--in", f"{name}={folder}/{name}.npy")]
                subprocess.run(["weirc", "run", kernel, "--target", target, "--out", f"O={folder}/O.npy", *inputs], check=True)
                error = np.abs(np.load(f"{folder}/O.npy") - expected).max()
                if not error <= allowed:
                    sys.exit(f"{target}, {rows} x {keys}: off by {error}, allowed {allowed}")


main()
