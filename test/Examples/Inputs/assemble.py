"""Assembles every cascade of examples/ for GPUs, without one: static gates on what NVIDIA's assembler says of it.

    assemble.py WEIRC PTXAS EXAMPLES

Each cascade is compiled once in f32, and once in bf16 with 64 features where its products then go to tensor cores; the PTX, made for
sm_80, is assembled for sm_80 and sm_90a. It must assemble, use no more registers and shared memory than a block may have, and on tensor
cores no function spills more than a few bytes, which those that fold parts of keys do, but what is listed here, each of which is to be mended. One line for each that does not, and for each whose
registers are spilled; the last one is `N passed, M failed`.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CASCADE = re.compile(r"^(?:export\s+)?cascade\s+(\w+)", re.MULTILINE)
ARCHITECTURES = {"sm_80": 163 << 10, "sm_90a": 227 << 10}  # shared memory of a block, static and dynamic
# Bytes at most, in steps of 256, of the worse architecture: what ptxas of CUDA 13.0 spills of cascades that go to tensor cores.
SPILLED = {"block_diagonal": 256, "block_diffusion": 256, "dilated_heads": 768, "entropy": 256, "moba": 256, "paper": 512,
           "parallel_retention": 256, "partial": 256, "prefix_document": 512, "projections": 256, "query_aware": 512, "ragged": 3072,
           "rectified": 256, "s2_attention": 256, "shared_prefix": 512, "sink": 256, "sla1": 256, "tree": 256, "var": 1280, "window": 256}
REGISTERS = 65536  # of a multiprocessor: a block that needs more cannot be launched
STATIC_SHARED = 48 << 10
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


def check(weirc, ptxas, path, cascade):
    """[(form, what is wrong, notes)] of a cascade."""
    common = [weirc, "compile", path, "--cascade", cascade, "--target", "cuda:sm_80", "--emit=ptx"]
    plain, results = run(*common), []
    if plain.returncode:
        return [("f32", [plain.stderr], [])]
    with tempfile.TemporaryDirectory() as folder:
        results.append(("f32", *assemble(ptxas, folder, plain.stdout, float("inf"))))
        ranks = {rank for one in json.loads(plain.stdout.split("\n", 1)[0].removeprefix("// weir: "))["arguments"]
                 for rank in one.get("ranks", [])}
        cores = run(*common, "--dtype", "bf16", *(f"-D{rank}=64" for rank in ("D", "F") if rank in ranks))
        if cores.returncode:
            results.append(("bf16", [cores.stderr], []))
        elif "mma.sync" in cores.stdout:
            results.append(("bf16", *assemble(ptxas, folder, cores.stdout, SPILLED.get(cascade, 64))))
    return results


def main():
    weirc, ptxas, examples = sys.argv[1:]
    cascades = [(str(path), name) for path in sorted(pathlib.Path(examples).glob("*/*.attn")) for name in CASCADE.findall(path.read_text())]
    passed = failed = onCores = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, name), results in zip(cascades, pool.map(lambda one: check(weirc, ptxas, *one), cascades)):
            for form, wrong, notes in results:
                for what, lines in (("FAIL", wrong), ("note", notes)):
                    for line in lines:
                        print(f"{what} {path} {name} {form}: {line}")
                passed, failed, onCores = passed + (not wrong), failed + bool(wrong), onCores + (form == "bf16")
    print(f"{passed} passed, {failed} failed; {onCores} on tensor cores")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
