"""Reads the object of `weirc bench --json` from stdin and checks its fields against each other."""
import json
import math
import sys

m = json.load(sys.stdin)
fields = ["cascade", "target", "dtype", "extents", "mapping", "runs", "median_s", "min_s", "max_s", "flops", "bytes", "gflops", "gbps",
          "peak_gflops", "peak_gbps", "fraction_of_peak", "limit_s", "fraction_of_limit", "compile_s"]
assert list(m) == fields, list(m)
assert 0 < m["min_s"] <= m["median_s"] <= m["max_s"]


def same(a, b):
    assert math.isclose(a, b, rel_tol=1e-6), (a, b)


same(m["gflops"], m["flops"] / m["median_s"] / 1e9)
same(m["gbps"], m["bytes"] / m["median_s"] / 1e9)
same(m["fraction_of_peak"], m["gflops"] / m["peak_gflops"])
same(m["limit_s"], max(m["flops"] / m["peak_gflops"], m["bytes"] / m["peak_gbps"]) / 1e9)
same(m["fraction_of_limit"], m["limit_s"] / m["median_s"])
assert m["peak_gflops"] > 1 and m["peak_gbps"] > 0.1
assert m["compile_s"] > 0
print("fields are right")
print(m["cascade"], m["target"], m["dtype"], m["extents"], m["mapping"], m["runs"])
