#!/usr/bin/env python3
# Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that dialects and passes say what they are.

Every op, attribute and dialect has a summary; every op but those whose summary says it all, every attribute, dialect and pass has a description.
Every numbered constraint (`einsum_c1`) stands in the dialect's README.md, in a verifier, and as the name of a negative test. Every pass's description
shows a rewrite box (a fenced mlir block) unless it only reads.

    python3 scripts/check_dialects.py        exit status 1 and a line a fault
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LLVM = Path("/usr/lib/llvm-22")
# Ops that are defined by one sentence of the language.
ONE_SENTENCE = {"attn.yield", "attn.where", "attn.else", "attn.select", "attn.isabsent", "attn.and", "attn.or", "attn.not"}
CONSTRAINT = re.compile(r"\b([a-z]+_c[0-9]+)\b")


def records(td):
    """The TableGen records of a file, as JSON."""
    command = [LLVM / "bin/llvm-tblgen", "--dump-json", td, "-I", LLVM / "include", "-I", ROOT, "-I", ROOT / "dialects", "-I", ROOT / "include"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def instances(dump, cls):
    """Records of class `cls` that are not from upstream."""
    for name in dump["!instanceof"].get(cls, []):
        record = dump[name]
        dialect = record.get("opDialect") or record.get("dialect")
        if cls != "Dialect" and dialect and dump[dialect["def"]]["name"] not in ("attn", "mapping"):
            continue
        if cls == "Dialect" and record["name"] not in ("attn", "mapping"):
            continue
        yield record


def lacks(what, record, faults, description=True):
    if not (record.get("summary") or "").strip():
        faults.append(f"{what} has no summary")
    if description and not (record.get("description") or "").strip():
        faults.append(f"{what} has no description")


def check_dialect(td, faults):
    dump = records(td)
    for record in instances(dump, "Dialect"):
        lacks(f"dialect {record['name']}", record, faults)
    for record in instances(dump, "Op"):
        name = dump[record["opDialect"]["def"]]["name"] + "." + record["opName"]
        lacks(name, record, faults, name not in ONE_SENTENCE)
    for record in instances(dump, "AttrDef"):
        lacks(f"attribute {record['!name']}", record, faults)


def check_passes(td, faults):
    dump = records(td)
    for name in dump["!instanceof"].get("PassBase", []):
        record = dump[name]
        what = f"pass {record['argument']}"
        lacks(what, record, faults)
        reads_only = td.parent.name == "Analysis"
        if not reads_only and "```mlir" not in (record.get("description") or ""):
            faults.append(f"{what} has no rewrite box in its description")


def check_constraints(folder, faults):
    readme = set(re.findall(r"^- ([a-z]+_c[0-9]+):", (folder / "README.md").read_text(), re.M))
    code = set()
    for source in folder.glob("*.cpp"):
        code |= set(CONSTRAINT.findall(source.read_text()))
    tests = set(re.findall(r"@([a-z]+_c[0-9]+)\b", "".join(p.read_text() for p in (ROOT / "test/dialects" / folder.name).glob("invalid*.mlir"))))
    for where, names in (("README.md", readme), ("a verifier", code), ("the negative tests", tests)):
        for name in sorted((readme | code | tests) - names):
            faults.append(f"{folder.name}: {name} is not in {where}")


def main():
    faults = []
    for td in sorted((ROOT / "dialects").glob("*/*.td")):
        check_dialect(td, faults)
    for td in sorted((ROOT / "include/weir").rglob("Passes.td")):
        check_passes(td, faults)
    for folder in sorted(p for p in (ROOT / "dialects").iterdir() if p.is_dir()):
        check_constraints(folder, faults)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


sys.exit(main())
