"""Assembles every cascade of examples/ for GPUs, without one: static gates on what NVIDIA's assembler says of it.

    assemble.py WEIRC WEIR_PTX_RUN PTXAS EXAMPLES

Each cascade is compiled once in f32, and once in bf16 with 64 features where its products then go to tensor cores; the PTX, made for
sm_80, is assembled for sm_80 and sm_90a. It must assemble, use no more registers and shared memory than a block may have, and no function
spills anything, but what is listed here, each of which is to be mended. Loops on tensor cores hold as many mma, ldmatrix and
cp.async as the products of one loop of the tiled program ask for, once, or twice where full tiles have a version of their own, and no access to
shared memory of theirs meets another in a bank. One line for each that does not, and for each whose registers are spilled; the last one is
`N passed, M failed`.
"""
import concurrent.futures
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CASCADE = re.compile(r"^(?:export\s+)?cascade\s+(\w+)", re.MULTILINE)
ARCHITECTURES = {"sm_80": 163 << 10, "sm_90a": 227 << 10}  # shared memory of a block, static and dynamic
# Bytes at most of the worse architecture: what ptxas of CUDA 13.0 spills, by form. Of `var` four sums of 64 features, each with its own statistics, are
# more than registers hold, and in f32 as many tiles; of the others it is in a function of eight loops, and as much where ptxas may not unroll them.
SPILLED = {"f32": {"var": 472}, "bf16": {"paper": 8, "sla1": 8, "var": 540}}
REGISTERS = 65536  # of a multiprocessor: a block that needs more cannot be launched
STATIC_SHARED = 48 << 10
THREADS = 128  # of a block on tensor cores
FUNCTION = re.compile(r"Compiling entry function '(\S+)' for.*?(\d+) bytes spill stores.*?Used (\d+) registers(.*?)$", re.DOTALL | re.MULTILINE)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def judge(said, launches, shared):
    """What is wrong with the functions that ptxas speaks of, and the bytes that one of them spills at most."""
    spilled, wrong = 0, []
    for name, bytes, registers, rest in FUNCTION.findall(said):
        launch = launches.get(name, {"block": 1, "shared": 0})
        static = int((re.search(r"(\d+) bytes smem", rest) or [0, 0])[1])
        spilled = max(spilled, int(bytes))
        if (int(registers) + 7) // 8 * 8 * launch["block"] > REGISTERS:
            wrong.append(f"{name} has {registers} registers and {launch['block']} threads")
        if static > STATIC_SHARED or static + launch["shared"] > shared:
            wrong.append(f"{name} has {static} bytes of static shared memory and {launch['shared']} of dynamic")
        launches.pop(name, None)
    return spilled, wrong + [f"ptxas does not speak of {name}" for name in launches]


MAP = re.compile(r"^(#\w+) = affine_map<\(.*?\) -> \((.*?)\)>", re.MULTILINE)
CONTRACT = re.compile(r"linalg\.contract indexing_maps = \[(.*?)\] ins\(.*? : (.*)\) outs\(.*? : (.*)\)")
TYPE = re.compile(r"memref<((?:[\d?]+x)+)\w+(?:, strided<\[(\d+), 1\])?")


def expect(tiled, threads):
    """{(mma, ldmatrix, cp.async)} of each innermost loop with products in the tiled program: instructions of a warp, of which
    mma.m16n8k16 multiplies 16 x 8 x 16, ldmatrix.x4 reads 512 bytes and cp.async copies 16 bytes a thread."""
    maps = {name: to.split(", ") for name, to in MAP.findall(tiled)}
    loops, sums = [], {}
    for number, line in enumerate(tiled.split("\n")):
        indent = len(line) - len(line.lstrip())
        while loops and indent <= loops[-1][0]:
            loops.pop()
        if "scf.for " in line:
            loops.append((indent, number))
        if not (contract := CONTRACT.search(line)):
            continue
        operands, size = contract[1].split(", "), {}
        for operand, (shape, stride) in zip(operands, TYPE.findall(f"{contract[2]}, {contract[3]}")):
            extents = shape.rstrip("x").split("x")
            if extents[-1] == "?":  # a tile that may not be full, as wide as its lines are apart
                extents[-1] = stride
            size |= {dim: int(extent) for dim, extent in zip(maps[operand], extents) if extent.isdigit()}
        if not {dim for operand in operands for dim in maps[operand]} <= size.keys():
            continue  # an extent that is open: not for tensor cores
        right = 2 * math.prod(size[dim] for dim in maps[operands[1]])
        mma = math.prod(size.values()) / (16 * 8 * 16 * threads // 32)
        own = sums.setdefault(loops[-1][1], [0, 0, 0])
        for k, count in enumerate((mma, right / 512, right / (16 * threads))):
            own[k] += count
    return {tuple(own) for own in sums.values()}


LOOP = re.compile(r"^  loop at line (\d+): (\d+ mma\.sync.*); banks of shared memory: (.*)$", re.MULTILINE)


def judgeLoops(said, expected):
    """What is wrong with the loops on tensor cores that weir-ptx-run lists."""
    wrong = []
    for line, instructions, banks in LOOP.findall(said):
        counts = {name: int(count) for count, name in re.findall(r"(\d+) ([\w.]+)", instructions)}
        has = tuple(counts.get(name, 0) for name in ("mma.sync", "ldmatrix", "cp.async"))
        if not any((version * mma, version * ldmatrix) == has[:2] and has[2] in (0, cpAsync, 2 * cpAsync)
                   for mma, ldmatrix, cpAsync in expected for version in (1, 2)):  # what is computed into a tile is not copied
            wrong.append(f"the loop at line {line} has {has} mma, ldmatrix and cp.async, of {sorted(expected)}")
        if not re.fullmatch(r"no conflict in \d+ accesses", banks):
            wrong.append(f"the loop at line {line}: banks: {banks}")
    return wrong if LOOP.search(said) else ["no loop is on tensor cores"]


def assemble(ptxas, folder, text, allowed):
    """(what is wrong, what is to be noted) of a PTX text that may spill `allowed` bytes."""
    launch = json.loads(text.split("\n", 1)[0].removeprefix("// weir: "))
    path, wrong, notes = os.path.join(folder, "x.ptx"), [], []
    pathlib.Path(path).write_text(text)
    for architecture, shared in ARCHITECTURES.items():
        done = run(ptxas, "-v", f"-arch={architecture}", path, "-o", os.path.join(folder, "x.cubin"))
        if done.returncode:
            wrong.append(f"{architecture}: {done.stdout}{done.stderr}")
            continue
        spilled, more = judge(done.stderr, {one["kernel"]: one for one in launch["launches"]}, shared)
        wrong += [f"{architecture}: {one}" for one in more]
        if spilled:
            (wrong if spilled > allowed else notes).append(f"{architecture}: {spilled} bytes of registers are spilled")
    return wrong, notes


def check(weirc, ptxRun, ptxas, path, cascade):
    """[(form, what is wrong, notes)] of a cascade."""
    common = [weirc, "compile", path, "--cascade", cascade, "--target", "cuda:sm_80"]
    plain, results = run(*common, "--emit=ptx"), []
    if plain.returncode:
        return [("f32", [plain.stderr], [])]
    with tempfile.TemporaryDirectory() as folder:
        results.append(("f32", *assemble(ptxas, folder, plain.stdout, SPILLED["f32"].get(cascade, 0))))
        ranks = {rank for one in json.loads(plain.stdout.split("\n", 1)[0].removeprefix("// weir: "))["arguments"]
                 for rank in one.get("ranks", [])}
        common += ["--dtype", "bf16", *(f"-D{rank}=64" for rank in ("D", "F") if rank in ranks)]
        cores = run(*common, "--emit=ptx")
        if cores.returncode:
            results.append(("bf16", [cores.stderr], []))
        elif "mma.sync" in cores.stdout:
            wrong, notes = assemble(ptxas, folder, cores.stdout, SPILLED["bf16"].get(cascade, 0))
            tiled = run(*common, "--emit=tiled").stdout
            loops = run(ptxRun, "--loops", os.path.join(folder, "x.ptx")).stdout
            results.append(("bf16", wrong + judgeLoops(loops, expect(tiled, THREADS)), notes))
    return results


def main():
    weirc, ptxRun, ptxas, examples = sys.argv[1:]
    cascades = [(str(path), name) for path in sorted(pathlib.Path(examples).glob("*/*.attn")) for name in CASCADE.findall(path.read_text())]
    passed = failed = onCores = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, name), results in zip(cascades, pool.map(lambda one: check(weirc, ptxRun, ptxas, *one), cascades)):
            for form, wrong, notes in results:
                for what, lines in (("FAIL", wrong), ("note", notes)):
                    for line in lines:
                        print(f"{what} {path} {name} {form}: {line}")
                passed, failed, onCores = passed + (not wrong), failed + bool(wrong), onCores + (form == "bf16")
    print(f"{passed} passed, {failed} failed; {onCores} on tensor cores")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
