#!/usr/bin/env python3
"""Runs every test: lit, unit tests, Python checks, and the checks of scripts/check.sh.

    scripts/run_tests.py                 all of them
    scripts/run_tests.py lit unit        some kinds: lit, unit, python, checks

What fails is printed with its output, what is skipped with its reason. The last line is `N passed, M failed, K skipped`; the exit
status is 1 if something failed.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LIT = "/usr/lib/llvm-22/bin/lit"


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def skip(self, name, reason):
        self.skipped += 1
        print(f"SKIP {name}: {reason}", flush=True)

    def fail(self, name, output=""):
        self.failed += 1
        print(f"FAIL {name}", flush=True)
        if output.strip():
            print("    " + output.strip().replace("\n", "\n    "), flush=True)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_lit():
    """Every test of test/, several at once."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "lit.json"
        environment = dict(os.environ, WEIR_BUILD_DIR=str(BUILD))
        command = [sys.executable, LIT, "-q", "--output", str(report), str(ROOT / "test")]
        process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not report.exists():
            counts.fail("lit", process.stdout)
            return counts
        tests = json.loads(report.read_text())["tests"]
    if not tests:
        counts.fail("lit", "no test was found")
    for test in tests:
        if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
            counts.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            counts.skip(test["name"], " ".join(test["output"].split()) or "not supported here")
        else:
            counts.fail(test["name"], test["output"])
    return counts


def count_unit(report, counts):
    for suite in json.loads(report.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures"):
                counts.fail(name, "\n".join(failure["failure"] for failure in test["failures"]))
            elif test.get("result") == "SKIPPED":
                reasons = [skip.get("message", "") for skip in test.get("skipped", [])]
                counts.skip(name, " ".join(reasons) or "the test says so")
            elif test.get("status") == "RUN":
                counts.passed += 1


def run_unit():
    """The GoogleTest executable, in as many parts as there are cores."""
    counts = Counts()
    binary = BUILD / "bin" / "weir-unittests"
    if not binary.exists():
        counts.fail("weir-unittests", "it is not built; GoogleTest (libgtest-dev) may be missing")
        return counts
    shards = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for shard in range(shards):
            report = pathlib.Path(folder) / f"{shard}.json"
            environment = dict(os.environ, GTEST_TOTAL_SHARDS=str(shards), GTEST_SHARD_INDEX=str(shard))
            command = [str(binary), f"--gtest_output=json:{report}", "--gtest_brief=1"]
            parts.append((report, subprocess.Popen(command, env=environment, cwd=folder, text=True,
                                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)))
        for report, process in parts:
            output = process.communicate()[0]
            if report.exists():
                count_unit(report, counts)
            else:
                counts.fail("weir-unittests", f"it ended with status {process.returncode}\n" + output[-4000:])
    return counts


def run_script(name, command):
    """A script whose last line is `N passed, M failed, K skipped`; its other lines are shown as they come."""
    counts = Counts()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    last = ""
    for line in process.stdout:
        if last:
            print(last, flush=True)
        last = line.rstrip("\n")
    status = process.wait()
    match = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
    if match:
        counts.passed, counts.failed, counts.skipped = map(int, match.groups())
    if not match or (status != 0 and counts.failed == 0):
        counts.fail(name, f"{last}\nit ended with status {status} and no count of failures")
    return counts


def run_python():
    """The examples against NumPy, and every test/**/check_*.py."""
    counts = Counts()
    scripts = sorted(p for p in (ROOT / "test").glob("**/check_*.py") if "Inputs" not in p.parts)
    if (ROOT / "examples" / "check.py").exists():
        scripts.append(ROOT / "examples" / "check.py")
    for script in scripts:
        name = str(script.relative_to(ROOT))
        print(f"-- {name}", flush=True)
        counts += run_script(name, [sys.executable, str(script)])
    return counts


def run_checks():
    return run_script("scripts/check.sh", ["bash", str(ROOT / "scripts" / "check.sh")])


KINDS = {"checks": run_checks, "unit": run_unit, "lit": run_lit, "python": run_python}


def main():
    chosen = sys.argv[1:] or list(KINDS)
    for kind in chosen:
        if kind not in KINDS:
            sys.exit(f"unknown kind '{kind}'; known are {', '.join(KINDS)}")
    total = Counts()
    for kind in chosen:
        print(f"== {kind}", flush=True)
        start = time.time()
        counts = KINDS[kind]()
        print(f"== {kind}: {counts} in {time.time() - start:.0f} s", flush=True)
        total += counts
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
