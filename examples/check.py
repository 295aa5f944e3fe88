#!/usr/bin/env python3
"""Checks every example's cascade against its NumPy reference.

    examples/check.py                          all examples, f32 and bf16, compiled ahead of time
    examples/check.py softmax mla/mla.attn     some folders or files; --cascade NAME for one cascade
    examples/check.py --target interpret       the reference interpreter instead of compiled code
    examples/check.py --numpy                  no weirc: only the references' own identities
    examples/check.py --target numpy32         no weirc: the references in f32, which the tolerances must accept

Each cascade runs on random and adversarial inputs (equal maxima, huge and tiny logits, lengths 0 and 1, remainders, and what its
reference.py adds); the tolerance is derived in support/rounding.py. One line a cascade; the last one is `N passed, M failed,
K skipped`; the exit status is 1 if something failed.
"""
import argparse
import importlib.util
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402

from support import EXAMPLES, IDENTITIES, rounding  # noqa: E402
from support.runners import Runner, RunnerError, find_weirc  # noqa: E402


def load_references(names):
    for path in sorted(HERE.glob("*/reference.py")):
        if names and not any(name.split("/")[0] == path.parent.name for name in names):
            continue
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}.reference", path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def selected(example, options):
    place = f"{example.folder.name}/{example.file}"
    return (not options.examples or any(name in (example.folder.name, place) for name in options.examples)) and \
        (not options.cascade or options.cascade == example.cascade)


def check_identities(verbose):
    """Identities of the references themselves: (passed, failed)."""
    passed = failed = 0
    for folder, function in IDENTITIES:
        left, right = function(np.random.default_rng(7))
        distance = float(np.max(np.abs(left - right), initial=0))
        good = np.shape(left) == np.shape(right) and distance <= 1e-9 * max(1.0, float(np.max(np.abs(right), initial=0)))
        passed, failed = passed + good, failed + (not good)
        if verbose or not good:
            print(f"{'ok  ' if good else 'FAIL'} {folder}: {function.__name__.replace('_', ' ')} ({distance:.1e})", flush=True)
    return passed, failed


def compare(got, expected, allowed, tensor, label):
    """A complaint, or None; and the largest distance as a part of what is allowed."""
    if got.shape != expected.shape:
        return f"{tensor.name} has shape {got.shape}, expected {expected.shape} ({label})", 0
    if got.size == 0:
        return None, 0
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.where((got == expected) | (np.isnan(got) & np.isnan(expected)), 0, np.abs(got.astype(float) - expected))
        distance = np.where(np.isnan(distance), np.inf, distance)
        part = np.where(distance == 0, 0, distance / np.maximum(allowed, 1e-300))
    at = np.unravel_index(np.argmax(part), part.shape)
    if not part[at] <= 1:
        place = ",".join(map(str, at))
        return (f"{tensor.name}[{place}] = {got[at]!r}, expected {expected[at]!r} within {allowed[at]:.2g} ({label}; "
                f"{int((part > 1).sum())} of {part.size} are off)"), part[at]
    return None, float(part[at])


def vague(expected, allowed):
    """Whether a bound on reals says too little to be a test: half of it is wider than a tenth of the largest value."""
    finite = np.isfinite(expected)
    return finite.any() and np.median(allowed[finite]) > 0.1 * np.max(np.abs(expected[finite])) + rounding.TINY


def check_example(example, dtype, runner, verbose):
    """(complaints, cases, worst part of the tolerance)"""
    complaints, worst, count = [], 0.0, 0
    outputs = example.signature()[1]
    for case in example.cases():
        inputs = example.inputs(case, dtype)
        expected, allowed = rounding.bounds(example, inputs, case, dtype)
        count += 1
        try:
            got = runner.run(example, inputs, case, dtype)
        except RunnerError as error:
            complaints.append(f"{case.label}: {error}")
            continue
        for tensor, g, e, a in zip(outputs, got, expected, allowed):
            if case.label == "random" and tensor.real() and vague(e, a):
                complaints.append(f"the tolerance of {tensor.name} says nothing ({case.label})")
            complaint, part = compare(g, e, a, tensor, case.label)
            worst = max(worst, part)
            if complaint:
                complaints.append(complaint)
            if verbose:
                print(f"     {case.label}: {tensor.name} {part:.3f} of the tolerance", flush=True)
    return complaints, count, worst


def check_program(name, *command):
    """A program of the examples that judges itself: (passed, failed, skipped); exit status 2 says why it could not run."""
    start = time.time()
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip().split("\n")[-1]
    word = {0: "ok  ", 2: "SKIP"}.get(done.returncode, "FAIL")
    print(f"{word} {name:60s} {said}, {time.time() - start:.1f} s", flush=True)
    return word == "ok  ", word == "FAIL", word == "SKIP"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", nargs="*", help="folders or folder/file.attn; default: all")
    parser.add_argument("--cascade", help="only the cascade of this name")
    parser.add_argument("--dtype", action="append", choices=["f32", "bf16", "f16", "f64"], help="repeatable; default f32 and bf16")
    parser.add_argument("--target", default="cpu:native", help="as weirc's; `interpret` for the reference interpreter")
    parser.add_argument("--via", choices=["lib", "run"], default="lib", help="a shared library per cascade, or `weirc run` per case")
    parser.add_argument("--jobs", type=int, default=min(8, os.cpu_count() or 1), help="kernels compiled at a time")
    parser.add_argument("--numpy", action="store_true", help="only the identities of the references")
    parser.add_argument("--weirc", help="the compiler; default: build/bin/weirc")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()

    load_references(options.examples)
    passed, failed = check_identities(options.verbose)
    skipped = 0
    chosen = [] if options.numpy else [e for e in EXAMPLES if selected(e, options)]
    if options.examples and not options.numpy and not chosen:
        sys.exit(f"no example is called {' '.join(options.examples)}")
    weirc = find_weirc(options.weirc)
    if chosen and weirc is None and options.target != "numpy32":
        print("skipped: weirc is not built")
        skipped, chosen = len(chosen), []
    dtypes = options.dtype or ["f32", "bf16"]
    with Runner(weirc, options.target, options.via, options.jobs) as runner:
        for example in chosen:
            for dtype in dtypes:
                runner.prepare(example, dtype)
        for example in chosen:
            for dtype in dtypes:
                start = time.time()
                complaints, cases, worst = check_example(example, dtype, runner, options.verbose)
                passed, failed = passed + (not complaints), failed + bool(complaints)
                name = f"{example.folder.name}/{example.file}:{example.cascade} {dtype}"
                print(f"{'FAIL' if complaints else 'ok  '} {name:60s} {cases} cases, {worst:.2f} of the tolerance, {time.time() - start:.1f} s",
                      flush=True)
                for complaint in complaints[:None if options.verbose else 3]:
                    print(f"     {complaint}", flush=True)
    if not options.examples and weirc and options.target.startswith("cpu"):
        for name, *command in (("minilm/demo.py", HERE / "minilm" / "demo.py"), ("catalogue.py", HERE / "catalogue.py")):
            result = check_program(name, *command)
            passed, failed, skipped = passed + result[0], failed + result[1], skipped + result[2]
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())
