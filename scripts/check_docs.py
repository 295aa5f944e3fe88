#!/usr/bin/env python3
"""Checks the documents: every relative link leads to a file, every `weirc` option that docs/driver.md or README.md names exists,
and docs/driver.md names every option that there is."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+)")


def broken_links():
    names = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        for target in LINK.findall((ROOT / name).read_text()):
            if "://" not in target and not (ROOT / name).parent.joinpath(target).exists():
                yield f"{name}: the link to {target} leads nowhere"


def weirc_options():
    source = (ROOT / "tools/weirc/Options.cpp").read_text()
    return set(re.findall(r'^    \{"(--[a-z-]+)"', source, re.MULTILINE)) | {"--help", "--version"}


def wrong_options():
    known, manual = weirc_options(), ROOT / "docs/driver.md"
    text = manual.read_text()
    named = set(OPTION.findall(text))
    for option in sorted(known - named):
        yield f"docs/driver.md: says nothing of {option}"
    for option in sorted(named - known):
        yield f"docs/driver.md: {option} is no option of weirc"
    for line in (ROOT / "README.md").read_text().split("\n"):
        for command in re.findall(r"weirc (?:run|compile|explain|verify|bench|list|--)[^`]*", line):
            for option in sorted(set(OPTION.findall(command)) - known):
                yield f"README.md: {option} is no option of weirc"


def main():
    problems = [*broken_links(), *wrong_options()]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
