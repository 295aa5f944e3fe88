#!/usr/bin/env python3
"""Matches the numbered rules of docs/language.md to the tests in test/Frontend/rules.

A rule begins a paragraph as **R1.2**. A test names what it shows by lines `// rule: R1.2` (the rule at work) or
`// rule: R1.2 negative` (what it refuses or warns about). Every rule needs a test of the first sort, and every rule with the word
*Refused* or *Warned* one of the second. Prints what is missing, one a line, and exits with 1; on success prints the counts.
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rules_of(text):
    """The rules of the page in order: {"R1.2": whether it forbids something}."""
    rules = {}
    name = None
    for line in text.splitlines():
        begin = re.match(r"\*\*(R\d+\.\d+)\*\*", line)
        if begin:
            name = begin[1]
            if name in rules:
                sys.exit(f"error: docs/language.md has two rules {name}")
            rules[name] = False
        elif line.startswith("#"):
            name = None
        if name and re.search(r"\*(Refused|Warned)", line):
            rules[name] = True
    return rules


def marks_of(folder):
    """The marks of all tests: {(rule, negative): [file, ...]}."""
    marks = {}
    for file in sorted(folder.glob("*.attn")):
        for line in file.read_text().splitlines():
            mark = re.match(r"// rule: (\S+)( negative)?$", line)
            if mark:
                marks.setdefault((mark[1], bool(mark[2])), []).append(file.name)
            elif line.startswith("// rule"):
                sys.exit(f"error: {file.name}: not a mark: {line}")
    return marks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", type=pathlib.Path, default=ROOT / "docs/language.md")
    parser.add_argument("--tests", type=pathlib.Path, default=ROOT / "test/Frontend/rules")
    args = parser.parse_args()
    rules = rules_of(args.page.read_text())
    marks = marks_of(args.tests)
    if not rules:
        sys.exit("error: the page has no rules")
    faults = [f"{rule}: no test of the rule" for rule in rules if (rule, False) not in marks]
    faults += [f"{rule}: no negative test" for rule, forbids in rules.items() if forbids and (rule, True) not in marks]
    faults += [f"{rule}: no such rule, in {', '.join(files)}" for (rule, _), files in marks.items() if rule not in rules]
    faults += [
        f"{rule}: a negative test ({', '.join(files)}), but the page neither refuses nor warns"
        for (rule, negative), files in marks.items()
        if negative and rules.get(rule) is False
    ]
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{len(rules)} rules, {sum(rules.values())} of which forbid something, have their tests")


if __name__ == "__main__":
    main()
