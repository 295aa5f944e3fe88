#!/usr/bin/env python3
"""Checks certificates of derived traversals, without any code of the compiler. See docs/certificates.md.

    weirc explain FILE --certificate | scripts/check_certificate.py
    scripts/check_certificate.py FILE...

Each input is an object {"before", "after", "certificates"}. The exit status is 0 if every certificate is accepted, 1 if one is
rejected, whose failed obligations are printed, a line each. Needs the Python packages sympy and mpmath.
"""
import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.setrecursionlimit(20000)


def read(name):
    return json.load(sys.stdin) if name == "-" else json.loads(pathlib.Path(name).read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="*", default=["-"], help="JSON of `weirc explain --certificate`; - is standard input")
    arguments = parser.parse_args()
    try:
        from certificate.check import check
    except ImportError as error:
        sys.exit(f"check_certificate.py: {error}; pip install -r scripts/requirements.txt")
    rejected = False
    for name in arguments.file:
        try:
            document = read(name)
            count = len(document["certificates"])
            failures = check(document)
        except (OSError, ValueError, KeyError, TypeError) as error:
            count, failures = 0, [f"form: {name} is no document of certificates: {error}"]
        for failure in failures:
            print(failure)
        print(f"{name}: {'rejected' if failures else f'accepted, {count} certificates'}")
        rejected = rejected or bool(failures)
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
