#!/usr/bin/env python3
# Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the reference pages of dialects and passes from their .td files, and an index. They are never committed.

    python3 scripts/make_reference.py build/docs        (the CMake target weir-docs)
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LLVM = Path("/usr/lib/llvm-22")


def tablegen(td, *arguments):
    command = [LLVM / "bin/mlir-tblgen", *arguments, td, "-I", LLVM / "include", "-I", ROOT, "-I", ROOT / "dialects", "-I", ROOT / "include"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{td}: {done.stderr}")
    return done.stdout


def pages():
    """(file name, title, text) of every page."""
    for td in sorted((ROOT / "dialects").glob("*/*.td")):
        text = td.read_text()
        name = re.search(r'^  let name = "(\w+)";', text, re.M)[1]
        has_ops = "OpBase.td" in text
        arguments = ["-gen-dialect-doc", f"-dialect={name}"] if has_ops else ["-gen-attrdef-doc"]
        yield f"{name}.md", f"The {name} dialect", tablegen(td, *arguments)
    for td in sorted((ROOT / "include/weir").rglob("Passes.td")):
        text = tablegen(td, "-gen-pass-doc")
        if text.strip():
            room = str(td.parent.relative_to(ROOT / "include/weir"))
            yield f"passes-{td.parent.name}.md", f"Passes of lib/{room}", text


def main(out):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    index = ["# Reference", "", "Generated from the sources; the manual is in docs/.", ""]
    for name, title, text in pages():
        (out / name).write_text(f"# {title}\n\n{text}")
        index.append(f"- [{title}]({name})")
    (out / "README.md").write_text("\n".join(index) + "\n")


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(sys.argv[1])
