"""Traversals as written of every cascade in derivation_cases.jsonl, by `weirc explain --json`.

A row holds a cascade's text, a rank, and `as_written`: the number of traversals of that rank, or "loop" where a recurrence goes along it
(its rank is then traversed once). The other fields say what rewriting may reach; they are not looked at here.
Usage: check_traversals.py CASES WEIRC. Prints each difference; exit status 1 if there is one.
"""
import json
import pathlib
import subprocess
import sys
import tempfile


def explain(weirc, path):
    done = subprocess.run([weirc, "explain", "--json", path], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"weirc explain: exit status {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def difference(case, traversals):
    rank, want = case["rank"], case["as_written"]
    got = traversals["as_written"].get(rank)
    loop = rank in traversals["loops"]
    if want == "loop":
        return None if loop and got == 1 else f"{rank} is {'a' if loop else 'no'} loop of {got} traversals, expected a loop of 1"
    return None if got == want else f"{rank} is traversed {got} times, expected {want}; all ranks: {traversals['as_written']}"


def main(cases, weirc):
    failures = checked = 0
    with tempfile.TemporaryDirectory() as folder:
        for line in pathlib.Path(cases).read_text().splitlines():
            case = json.loads(line)
            path = pathlib.Path(folder, f"{case['name']}.attn")
            path.write_text(case["attn"])
            checked += 1
            try:
                wrong = difference(case, explain(weirc, path)["traversals"])
            except RuntimeError as error:
                wrong = str(error)
            if wrong:
                failures += 1
                print(f"{case['name']}: {wrong}")
    print(f"{checked} cascades, {failures} differ")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
