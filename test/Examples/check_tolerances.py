#!/usr/bin/env python3
"""The check of the examples can tell right from wrong: the references in f32 arithmetic are accepted, and kernels with the mistakes
that kernels have are rejected. Needs NumPy only."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is not installed")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

import check  # noqa: E402
from support import EXAMPLES, rounding, softmax  # noqa: E402
from support.formulas import round_to  # noqa: E402
from support.runners import run_reference  # noqa: E402


def scores(Q, K):
    return np.einsum("bhmd,bhnd->bhmn", Q, K) / np.sqrt(Q.shape[-1])


def rounded_weights(Q, K, V):
    return round_to(softmax(scores(Q, K)), "bf16") @ V


def no_last_key(Q, K, V):
    return softmax(scores(Q, K)[..., :-1]) @ V[:, :, :-1]


def no_scale(Q, K, V):
    return softmax(np.einsum("bhmd,bhnd->bhmn", Q, K)) @ V


def rough_exponential(Q, K, V):
    """An exponential whose relative error is 1e-4."""
    e = np.exp(scores(Q, K)) * (1 + 1e-4 * np.sin(np.arange(K.shape[2])))
    return e / e.sum(-1, keepdims=True) @ V


def bad_cell(Q, K, V):
    out = softmax(scores(Q, K)) @ V
    out.flat[-1] += 1e-4
    return out


def not_a_number(Q, K, V):
    out = softmax(scores(Q, K)) @ V
    out.flat[0] = np.nan
    return out


def accepted(example, kernel, dtype):
    case = next(c for c in example.cases() if c.label == "random")
    inputs = example.inputs(case, dtype)
    expected, allowed = rounding.bounds(example, inputs, case, dtype)
    got = run_reference(example, inputs, case, dtype) if kernel is None else [round_to(kernel(**inputs), dtype)]
    tensors = example.signature()[1]
    return all(check.compare(g, e, a, t, "")[0] is None for g, e, a, t in zip(got, expected, allowed, tensors))


def main():
    check.load_references(["softmax", "topk", "gated_delta"])
    failed = passed = 0
    attention = next(e for e in EXAMPLES if e.cascade == "attention")
    trials = [(e, None, dtype, True) for e in EXAMPLES for dtype in ("f32", "bf16")]
    trials += [(attention, kernel, "f32", False) for kernel in
               (rounded_weights, no_last_key, no_scale, rough_exponential, bad_cell, not_a_number)]
    trials += [(attention, kernel, "bf16", False) for kernel in (no_last_key, no_scale, not_a_number)]
    for example, kernel, dtype, right in trials:
        good = accepted(example, kernel, dtype) == right
        passed, failed = passed + good, failed + (not good)
        if not good:
            name = kernel.__name__ if kernel else "the reference in f32"
            print(f"FAIL {example.cascade} {dtype}: {name} should be {'accepted' if right else 'rejected'}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
