"""Runs a tiled causal softmax (scores times 1/8, key 3 seen by nobody) on several lengths and compares with NumPy.

usage: causal_stream.py PROGRAM.tiled.mlir FOLDER
"""
import subprocess
import sys

import numpy as np

program, folder = sys.argv[1:]
rng = np.random.default_rng(0)
for rows, keys in [(1, 1), (5, 3), (24, 128), (25, 129), (40, 300), (0, 4), (4, 0), (130, 70)]:
    shapes = {"Q": (rows, 64), "K": (keys, 64), "V": (keys, 48)}
    inputs = {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    command = ["weirc", "run", "--from=tiled", program, "--out", f"O={folder}/O.npy"]
    for name, array in inputs.items():
        np.save(f"{folder}/{name}.npy", array)
        command += ["--in", f"{name}={folder}/{name}.npy"]
    subprocess.run(command, check=True)
    scores = inputs["Q"].astype("f8") @ inputs["K"].astype("f8").T / 8
    m, n = np.indices(scores.shape)
    seen = (n <= m) & (n != 3)
    scores = np.where(seen, scores, -np.inf)
    top = np.where(seen, scores, -1e30).max(axis=1, initial=-1e30, keepdims=True)
    weights = np.exp(scores - top)
    total = weights.sum(axis=1, keepdims=True)
    expected = np.where(total > 0, weights @ inputs["V"] / np.where(total > 0, total, 1), 0)
    error = np.abs(np.load(f"{folder}/O.npy") - expected).max(initial=0)
    assert error < 2e-6, f"{rows} rows, {keys} keys: off by {error}"
print("all lengths agree")
