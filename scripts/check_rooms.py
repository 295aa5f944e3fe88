#!/usr/bin/env python3
"""Checks that includes go MLIR <- dialects <- lib <- tools, and inside lib in the order of lib/CMakeLists.txt.

A file of a room may include headers of its own room, of earlier rooms, and of the dialects. The headers in include/weir/ROOM belong
to their room. Nothing outside tests includes a header of tests. `--self-test` shows that a forbidden include is found.
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".c", ".td", ".def"}


def library_rooms(root):
    text = (root / "lib/CMakeLists.txt").read_text()
    return re.findall(r"^\s*add_subdirectory\((\w+)\)", text, re.MULTILINE)


def room_of(path, rooms):
    """(rank, name) of a path relative to the root: dialects 0, rooms of lib from 1 in order, then tools and tests. None: no room."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "dialects":
        return 0, "dialects"
    if parts[0] == "lib" and len(parts) > 2:
        name = parts[1]
    elif parts[:2] == ("include", "weir") and len(parts) > 3:
        name = parts[2]
    elif parts[0] == "include":
        return len(rooms) + 1, "include"
    elif parts[0] in ("tools", "unittests", "test", "benchmarks"):
        return len(rooms) + 2, parts[0]
    else:
        return None
    return (rooms.index(name) + 1, f"lib/{name}") if name in rooms else (None, f"lib/{name}")


def resolve(include, source, root):
    """The project's file that an include names, relative to the root; None for others' headers and generated ones."""
    if include.startswith("weir/"):
        return "include/" + include
    if include.startswith(("dialects/", "lib/", "tools/", "unittests/")):
        return include
    if (source.parent / include).exists():
        return str((source.parent / include).resolve().relative_to(root.resolve()))
    return None


def check(root):
    rooms = library_rooms(root)
    problems, files = [], 0
    for top in ("dialects", "include", "lib", "tools", "unittests"):
        for source in sorted((root / top).rglob("*")):
            if source.suffix not in SUFFIXES:
                continue
            files += 1
            name = source.relative_to(root).as_posix()
            own = room_of(name, rooms)
            if own and own[0] is None:
                problems.append(f"{name}: {own[1]} is no room of lib/CMakeLists.txt")
                continue
            for match in INCLUDE.finditer(source.read_text(errors="replace")):
                target = resolve(match.group(1), source, root)
                other = target and room_of(target, rooms)
                if own and other and (other[0] is None or other[0] > own[0]):
                    line = source.read_text(errors="replace").count("\n", 0, match.start()) + 1
                    problems.append(f"{name}:{line}: {own[1]} may not include {match.group(1)} of {other[1]}, which comes later")
    if not files:
        problems.append("no source was found")
    return problems


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {
            "lib/CMakeLists.txt": "add_subdirectory(Support)\nadd_subdirectory(Analysis)\n",
            "lib/Support/A.cpp": '#include "weir/Analysis/B.h"\n',
            "lib/Analysis/B.cpp": '#include "weir/Support/A.h"\n#include "dialects/X/X.h"\n',
            "dialects/X/X.cpp": '#include "weir/Support/A.h"\n',
            "tools/t.cpp": '#include "weir/Analysis/B.h"\n',
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = [problem.split(":")[0] for problem in check(root)]
    if found != ["dialects/X/X.cpp", "lib/Support/A.cpp"]:
        sys.exit(f"the check of rooms is broken: it found {found}")


def main():
    self_test()
    problems = check(pathlib.Path(__file__).resolve().parent.parent)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
