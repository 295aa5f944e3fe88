"""Traversals as written of every cascade in derivation_cases.jsonl, by `weirc explain --json`.

A row holds a cascade's text, a rank, and `as_written`: the number of traversals of that rank, or "loop" where a recurrence goes along it
(its rank is then traversed once). The other fields say what rewriting may reach; they are not looked at here.
Usage: check_traversals.py CASES WEIRC. Prints each difference; exit status 1 if there is one.
"""
import json
import sys

from cases import check_cases, run


def difference(case, traversals):
    rank, want = case["rank"], case["as_written"]
    got = traversals["as_written"].get(rank)
    loop = rank in traversals["loops"]
    if want == "loop":
        return None if loop and got == 1 else f"{rank} is {'a' if loop else 'no'} loop of {got} traversals, expected a loop of 1"
    return None if got == want else f"{rank} is traversed {got} times, expected {want}; all ranks: {traversals['as_written']}"


def main(cases, weirc):
    def check(case, path):
        return difference(case, json.loads(run([weirc, "explain", "--json", path]))["traversals"])

    return check_cases(cases, check)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
