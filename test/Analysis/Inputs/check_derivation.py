"""Derived traversals of every cascade in derivation_cases.jsonl, by `weir-opt --attn-derive-traversals`.

A row holds a cascade's text, a rank, the number of traversals that rewriting reaches (`derived`), a code of why it is not fewer (`reason`,
empty where nothing stands in the way) and a `lower_bound`. Rows whose derived form is no number, and rows of partitioned ranks, are left
out: their ranks are traversed by recurrences. A lower bound may be smaller here, never greater: only what is proved is claimed.
Usage: check_derivation.py CASES WEIRC WEIR_OPT. Prints each difference; exit status 1 if there is one.
"""
import re
import sys

from cases import check_cases, run


def difference(case, text):
    found = re.search(rf"^  {case['rank']}: (\d+), as written (\d+)(?:, at least (\d+))?$", text, re.M)
    if not found:
        return f"no derivation of rank {case['rank']}"
    derived, _, bound = (int(x) if x else None for x in found.groups())
    codes = re.findall(r"^    \w+ waits for .*?\(([a-z-]+)\): ", text, re.M)
    if derived != case["derived"]:
        return f"derived {derived} traversals of {case['rank']}, expected {case['derived']}; reasons: {codes}"
    if case["reason"] and case["reason"] not in codes:
        return f"reasons {codes}, expected {case['reason']}"
    if case["reason"] == "carried-output" and bound != 2:
        return f"at least {bound} traversals, expected 2"
    if bound and case["lower_bound"] and bound > case["lower_bound"]:
        return f"claims at least {bound} traversals, expected at most {case['lower_bound']}"
    return None


def main(cases, weirc, weir_opt):
    def check(case, path):
        cascade = run([weirc, "--emit=cascade", path])
        passes = f"builtin.module(attn-derive-traversals{{rank={case['rank']}}})"
        return difference(case, run([weir_opt, f"--pass-pipeline={passes}", "-o", "/dev/null"], input=cascade))

    return check_cases(cases, check, wanted=lambda case: isinstance(case["derived"], int))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
