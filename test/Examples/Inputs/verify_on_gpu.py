"""Verifies every cascade of examples/ on the interpreter of PTX.

    verify_on_gpu.py WEIRC EXAMPLES [OPTION of weirc verify]...

One line for each that is not as it should be; the last one is `N passed, M failed`.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

CASCADE = re.compile(r"^(?:export\s+)?cascade\s+(\w+)", re.MULTILINE)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def check(weirc, options, path, cascade):
    """What is wrong, or nothing."""
    done = run(weirc, "verify", path, "--cascade", cascade, "--target", "cuda:sm_80", *options)
    return f"verify: {done.returncode}: {done.stdout}{done.stderr}" if done.returncode else ""


def main():
    weirc, examples, *options = sys.argv[1:]
    cascades = [(str(path), name) for path in sorted(pathlib.Path(examples).glob("*/*.attn")) for name in CASCADE.findall(path.read_text())]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda one: check(weirc, options, *one), cascades)
        for (path, name), wrong in zip(cascades, results):
            failed += bool(wrong)
            if wrong:
                print(f"FAIL {path} {name}: {wrong}")
    print(f"{len(cascades) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not cascades else 0)


if __name__ == "__main__":
    main()
