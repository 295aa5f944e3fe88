#!/usr/bin/env python3
"""The catalogue of examples, docs/examples.md, made from the examples themselves.

    examples/catalogue.py            checks that the page is up to date; exit status 1 if not
    examples/catalogue.py --write    writes it

A row is a cascade: the first comment of its file (what `weirc list` prints), the source that the folder's README.md names, and how
often the cascade as written traverses each rank that it traverses more than once (`weirc explain --json`).
"""
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))

from support.runners import find_weirc  # noqa: E402

PAGE = ROOT / "docs" / "examples.md"
HEAD = """# Examples

Every cascade under examples/, with its source and the traversals that it makes as written: `n: 3` says that the keys are read from
end to end three times before the result is complete; ranks that are traversed once are not listed. This page is made by
`examples/catalogue.py --write`; `examples/check.py` compares all of them with NumPy.

| file | cascade | what it is | traversals as written | source |
|---|---|---|---|---|
"""


def title(text):
    """The first comment of a file."""
    lines = []
    for line in text.split("\n"):
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return " ".join(lines)


def source(folder):
    found = re.search(r"^Source: (.*?)\n\n", (folder / "README.md").read_text(), re.S | re.M)
    return " ".join(found.group(1).split()).rstrip(".") if found else None


def traversals(weirc, path, cascade):
    """{rank: count} of those above one."""
    done = subprocess.run([weirc, "explain", path, "--cascade", cascade, "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{path}: {done.stderr}")
    written = (json.loads(done.stdout).get("traversals") or {}).get("as_written") or {}
    return {rank.lower(): count for rank, count in written.items() if isinstance(count, int) and count > 1}


def rows(weirc):
    for path in sorted(HERE.glob("*/*.attn")):
        text = path.read_text()
        where = source(path.parent)
        assert where, f"{path.parent}/README.md has no line that begins with `Source: `"
        for cascade in re.findall(r"^cascade\s+(\w+)", text, re.M):
            counts = traversals(weirc, path, cascade)
            times = ", ".join(f"{rank}: {count}" for rank, count in sorted(counts.items())) or "one each"
            yield f"| [{path.parent.name}/{path.name}](../examples/{path.parent.name}/{path.name}) | {cascade} | {title(text)} | {times} | {where} |"


def page(weirc):
    return HEAD + "\n".join(rows(weirc)) + "\n"


def main():
    weirc = find_weirc(None)
    if weirc is None:
        sys.exit("weirc is not built")
    text = page(weirc)
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print("docs/examples.md is not what examples/catalogue.py --write makes of the examples")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
