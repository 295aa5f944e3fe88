"""The driver's files, its goals on invented times, and that a wrong result is found: check_benchmark.py OUT.json OUT.svg."""
import json
import sys
import xml.etree.ElementTree

import cases
import numpy as np
import report

made = json.load(open(sys.argv[1]))
assert len(made["rows"]) == 3 and all(row["runs"]["weir"]["best_s"] <= row["runs"]["weir"]["median_s"] for row in made["rows"])
tags = [element.tag.split("}")[1] for element in xml.etree.ElementTree.parse(sys.argv[2]).iter()]
assert tags.count("rect") == 1 + 1 + 3, tags  # background, legend, a bar a row


def row(name, seconds, steady=True, mask="none", **peers):
    runs = {who: {"best_s": time, "median_s": time} for who, time in {"weir": seconds, **peers}.items()}
    return {"name": name, "mask": mask, "steady": steady, "flops": 8e9, "bytes": 1e6, "peak_flops": 1e11, "peak_bytes": 2e10, "runs": runs}


def judged(*rows):
    return {what: (reached, met) for what, reached, wanted, met in report.goals(list(rows))}


dense, causal = "dense D=64 N=2048", "causal D=64 N=2048"
of_peak, of_dense = f"{dense}: of the FMA peak", f"{causal}: of the dense time (at most)"
first = judged(row(dense, 0.1, sdpa=0.2, ort_mha=0.12), row(causal, 0.06, mask="causal", flex=0.05))
assert first[of_peak] == (0.8, True) and first[of_dense][1] is False
assert abs(first[f"{dense}: over the best peer"][0] - 1.2) < 1e-9 and first[f"{dense}: over the best peer"][1] is False
assert first[f"{causal}: over FlexAttention"][1] is False
assert judged(row(dense, 0.1, steady=False))[of_peak] == (None, None)
assert judged(row(dense, 0.11))[of_peak][1] is False

# The bound on rounding accepts float32's own result and refuses one key too many.
case = cases.Case("causal", "", 2, 96, 32, mask="causal")
tensors = case.draw()
wanted, bound = cases.reference(case, tensors, [0, 1], np.arange(96))
q, k, v = (tensors[name][0] for name in "QKV")
for beyond in (0, 1):
    s = np.where(np.arange(96)[None, :] <= np.arange(96)[:, None] + beyond, q @ k.transpose(0, 2, 1) / np.float32(32 ** 0.5), np.float32(-np.inf))
    w = np.exp(s - s.max(axis=2, keepdims=True))
    assert (np.abs(w / w.sum(axis=2, keepdims=True) @ v - wanted) <= bound).all() == (beyond == 0)
assert case.count_pairs(tensors) == 2 * 96 * 97 // 2
print("benchmarks: all right")
