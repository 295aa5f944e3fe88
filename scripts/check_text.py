#!/usr/bin/env python3
"""Checks the text of every file under version control: it ends with a newline, has no tabs, carriage returns or blanks at the
end of a line, C++ lines have at most 170 characters, and every C++ source says its licence. Unfinished work is in no comment."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CPP = {".h", ".cpp", ".c", ".td"}
TEXT = CPP | {".py", ".sh", ".md", ".attn", ".mlir", ".txt", ".cmake", ".json", ".test"}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
LONGEST = 170


def problems_of(path, name):
    text = path.read_text(errors="replace")
    if not text:
        return
    if not text.endswith("\n"):
        yield f"{name}: does not end with a newline"
    if path.suffix in CPP and "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" not in text[:800]:
        yield f"{name}: the licence lines are missing"
    for number, line in enumerate(text.split("\n"), 1):
        if line.rstrip(" \t\r") != line:
            yield f"{name}:{number}: blanks at the end of the line"
        if "\t" in line and path.suffix in CPP | {".py", ".sh"}:
            yield f"{name}:{number}: a tab"
        if len(line) > LONGEST and path.suffix in CPP:
            yield f"{name}:{number}: {len(line)} characters, at most {LONGEST} are allowed"
        if UNFINISHED.search(line):
            yield f"{name}:{number}: unfinished work; finish it or file it"


def main():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    problems, files = [], 0
    for name in filter(None, names):
        path = ROOT / name
        if path.suffix in TEXT and path.exists() and "Inputs" not in path.parts and "corpus" not in path.parts:
            files += 1
            problems += problems_of(path, name)
    if not files:
        problems.append("no file was found")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
