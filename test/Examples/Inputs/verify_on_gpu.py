"""Verifies every cascade of examples/ on the interpreter of PTX, and with --ptxas assembles it for sm_80.

    verify_on_gpu.py WEIRC EXAMPLES [--ptxas PTXAS] [OPTION of weirc verify]...

One line for each that is not as it should be, and for each whose registers are spilled to memory; the last one is `N passed, M failed`.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CASCADE = re.compile(r"^(?:export\s+)?cascade\s+(\w+)", re.MULTILINE)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def check(weirc, ptxas, options, path, cascade):
    """Whether all is well, and what there is to say."""
    common = [path, "--cascade", cascade, "--target", "cuda:sm_80"]
    done = run(weirc, "verify", *common, *options)
    if done.returncode:
        return False, f"verify: {done.returncode}: {done.stdout}{done.stderr}"
    if not ptxas:
        return True, ""
    with tempfile.TemporaryDirectory() as folder:
        ptx, cubin = os.path.join(folder, "x.ptx"), os.path.join(folder, "x.cubin")
        done = run(weirc, "compile", *common, "-o", ptx)
        if done.returncode:
            return False, f"compile: {done.returncode}: {done.stderr}"
        done = run(ptxas, "-arch=sm_80", "-v", ptx, "-o", cubin)
    if done.returncode:
        return False, f"ptxas: {done.returncode}: {done.stdout}{done.stderr}"
    spilled = sum(int(bytes) for bytes in re.findall(r"(\d+) bytes spill stores", done.stderr))
    return True, f"{spilled} bytes of registers are spilled" if spilled else ""


def main():
    weirc, examples, *options = sys.argv[1:]
    ptxas = None
    if options[:1] == ["--ptxas"]:
        ptxas, options = options[1], options[2:]
    cascades = [(str(path), name) for path in sorted(pathlib.Path(examples).glob("*/*.attn")) for name in CASCADE.findall(path.read_text())]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda one: check(weirc, ptxas, options, *one), cascades)
        for (path, name), (good, remark) in zip(cascades, results):
            failed += not good
            if remark:
                print(f"{'note' if good else 'FAIL'} {path} {name}: {remark}")
    print(f"{len(cascades) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not cascades else 0)


if __name__ == "__main__":
    main()
