#!/usr/bin/env python3
"""The independent checker accepts the certificates of every cascade in examples/, and of the cases in test/Analysis, and finds that
merging the traversals of a rank changes no output.

    test/Certificates/check_examples.py                  all of them, several at once
    test/Certificates/check_examples.py mla act/act.attn some folders or files of examples/, or names of cases
    test/Certificates/check_examples.py -v               a line each

What the checker says of one that it rejects is printed. Needs weirc and weir-opt in build/bin, sympy and mpmath.
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "test" / "Analysis" / "Inputs" / "derivation_cases.jsonl"
BIN = pathlib.Path(os.environ.get("WEIR_BUILD_DIR") or ROOT / "build") / "bin"
MERGE = "builtin.module(func.func(attn-merge-traversals,attn-dissolve-streams))"  # the stream, as the equations that it stands for
sys.path.insert(0, str(ROOT / "scripts"))
sys.setrecursionlimit(20000)


def gather(folder, names):
    """(name, file) of each cascade to check; the cases' texts are written into the folder."""
    for path in sorted((ROOT / "examples").glob("*/*.attn")):
        place = f"{path.parent.name}/{path.name}"
        if not names or path.parent.name in names or place in names:
            yield place, path
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        if not names or case["name"] in names:
            path = pathlib.Path(folder, f"{case['name']}.attn")
            path.write_text(case["attn"])
            yield case["name"], path


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{pathlib.Path(command[0]).name}: {done.stderr.strip()}")
    return done.stdout


def certificates_of(path):
    return json.loads(run(BIN / "weirc", "explain", path, "--certificate"))


def judge(item):
    """(name, number of certificates, whether traversals were merged, complaints)"""
    from certificate.check import check
    name, path = item
    try:
        document = certificates_of(path)
        with tempfile.TemporaryDirectory() as folder:
            merged = pathlib.Path(folder, "merged.cascade.mlir")
            merged.write_text(run(BIN / "weir-opt", f"--pass-pipeline={MERGE}", text=run(BIN / "weirc", "--emit=cascade", path)))
            document["after"] = certificates_of(merged)["before"]
    except RuntimeError as error:
        return name, 0, False, [str(error)]
    names = [{equation["name"] for equation in document[when]["equations"]} for when in ("before", "after")]
    return name, len(document["certificates"]), names[0] != names[1], check(document)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="folders or files of examples/, or names of cases")
    parser.add_argument("-v", action="store_true", help="a line for each cascade")
    options = parser.parse_args()
    try:
        import certificate.check  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = certificates = merged = 0
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool() as pool:
        for name, count, rewritten, failures in pool.imap(judge, list(gather(folder, options.names)), chunksize=1):
            certificates, merged = certificates + count, merged + rewritten
            passed, failed = passed + (not failures), failed + bool(failures)
            if failures or options.v:
                print("\n     ".join([f"{'FAIL' if failures else 'ok  '} {name}: {count} certificates{', merged' * rewritten}", *failures]), flush=True)
    if not passed + failed:
        sys.exit(f"no example and no case has one of the names {', '.join(options.names)}")
    print(f"{certificates} certificates, traversals merged in {merged} cascades")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
