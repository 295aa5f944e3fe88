#!/usr/bin/env python3
"""Times attention variants on the processor by `weirc bench` and prints a table in Markdown.

    benchmarks/cpu.py [--weirc build/bin/weirc] [--rounds 3] [--size 2048]

Every row runs once a round, so that a noisy minute falls on all of them; a row shows the best round's median, with the FMA peak that the same
process has measured. `score` is the time of one computed score, relative to dense softmax: of one pair of a query and a key inside the mask, as
`flops` of the bench counts them. `compile` is text to callable inside the process, without the cache of kernels.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rows(size, folder):
    """name, example, arguments, whether its scores are compared with those of dense softmax."""
    shape = ["-D", "B=1", "-D", "H=8", "-D", f"M={size}", "-D", f"N={size}"]
    d64, d128 = shape + ["-D", "D=64", "-D", "F=64"], shape + ["-D", "D=128", "-D", "F=128"]
    softmax = "softmax/softmax"
    yield "softmax, 64 features", softmax, d64, True
    yield "softmax, 128 features", softmax, d128, False
    for spread in (30, 100):
        path = f"{folder}/q{spread}.npy"
        np.save(path, spread * np.random.default_rng(0).standard_normal((1, 8, size, 64), np.float32))
        yield f"softmax, scores x {spread}", softmax, d64 + ["--in", f"Q={path}"], True
    yield "softmax, bf16", softmax, d64 + ["--dtype", "bf16"], True
    yield "softmax, f16", softmax, d64 + ["--dtype", "f16"], True
    yield "softmax, f64", softmax, d64 + ["--dtype", "f64"], False
    yield "softmax, causal", "softmax/causal", d64, True
    yield "sigmoid, causal", "sigmoid/sigmoid", d64, True
    yield "ReLU, causal", "relu/relu", d64, True
    yield "ALiBi, causal", "alibi/alibi", d64, True
    yield "softcap, causal, 2 KV heads", "softcap/softcap", d64 + ["-D", "G=2"], True
    yield "sink, causal, 2 KV heads", "sink/sink", d64 + ["-D", "G=2", "-D", f"W={size}"], True
    yield "entropy and log-sum-exp, causal", "entropy/entropy", d64, True
    yield "window of 256, 2 KV heads", "softmax/windowed", d64 + ["-D", "G=2"], True


def scores(example, size):
    """Computed scores of one head: all, on and below the diagonal, or of a window."""
    if example == "softmax/softmax":
        return size * size
    width = 256 if example == "softmax/windowed" else size
    return sum(min(row + 1, width) for row in range(size))


def bench(weirc, example, arguments):
    command = [weirc, "bench", str(ROOT / "examples" / f"{example}.attn"), *arguments, "--threads", "1", "--no-cache", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weirc", default=str(ROOT / "build" / "bin" / "weirc"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=2048, help="queries and keys")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = list(rows(options.size, folder))
        best = {}
        for _ in range(options.rounds):
            for name, example, arguments, _ in table:
                result = bench(options.weirc, example, arguments)
                if name not in best or result["median_s"] < best[name]["median_s"]:
                    best[name] = result
    dense = best[table[0][0]]["median_s"] / scores(table[0][1], options.size)
    print("| 8 heads, one thread | time | GFLOP/s | of the FMA peak | score | compile |\n|---|---|---|---|---|---|")
    for name, example, _, compared in table:
        r = best[name]
        score = f"{r['median_s'] / scores(example, options.size) / dense:.2f}" if compared else ""
        fraction = f"{100 * r['fraction_of_peak']:.0f} % of {r['peak_gflops']:.0f}"
        print(f"| {name} | {1e3 * r['median_s']:.1f} ms | {r['gflops']:.1f} | {fraction} | {score} | {1e3 * r['compile_s']:.0f} ms |")


main()
