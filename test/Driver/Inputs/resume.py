"""resume.py WEIRC FILE FOLDER: every cascade of FILE in several calls (keys one by one, in parts, in empty parts) gives what one call gives, which is the
interpreter's; compiled kernels through weir.py, the interpreter and kernels just in time through the command line."""
import pathlib
import re
import subprocess
import sys

import numpy as np

import weir

weirc, file, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
random = np.random.default_rng(7)
M, N, D, F, P = 9, 7, 4, 3, 5
SIGNATURES = {name: re.findall(r"(\w+)\[([A-Z,]+)\]", inputs)
              for name, inputs in re.findall(r"^cascade (\w+)\((.*?)\) ->", open(file).read(), re.M)}


def draw(kind, signature):
    tensors = {name: random.standard_normal([{"M": M, "N": N, "D": D, "F": F, "P": P}[rank] for rank in ranks.split(",")])
               for name, ranks in signature}
    if kind == "huge":
        tensors["K"] *= 3000
    if kind == "equal":
        tensors["K"][:] = tensors["K"][0]
    if kind == "infinite":  # the first keys, and one between
        tensors["BIAS"][[0, 1, 4]] = -np.inf
    return tensors


def run(tensors, *options):
    """The outputs of `weirc run` by name."""
    for name, tensor in tensors.items():
        np.save(folder / f"{name}.npy", tensor)
    names = [name for name in OUTPUTS[options[0]] if "resume" not in " ".join(options)] or RESUMED[options[0]]
    command = [weirc, "run", file, "--dtype", "f64", "--cascade", *options]
    command += [f"--in={name}={folder}/{name}.npy" for name in tensors] + [f"--out={name}={folder}/{name}.out" for name in names]
    subprocess.run(command, check=True)
    return {name: np.load(folder / f"{name}.out") for name in names}


def parts(kind):
    """Lengths of calls that are N keys together."""
    return {"huge": [1] * N, "equal": [1] * N, "ordinary": [3, 0, 4], "infinite": [1, 1, 0, 5]}[kind]


def in_calls(call, signature, tensors, lengths, state):
    begin = {"N": 0, "P": 0}
    for k, length in enumerate(lengths):
        more = {"N": length, "P": P - begin["P"] if k + 1 == len(lengths) else min(k, P - begin["P"])}
        given = {name: tensors[name][begin[ranks[0]]:begin[ranks[0]] + more[ranks[0]]] if ranks[0] in more else tensors[name]
                 for name, ranks in signature}
        results = call({**given, **state}, {f"{rank}_start": begin[rank] for rank in begin if any(ranks[0] == rank for _, ranks in signature)})
        state = {name[:-4] + "_in": value for name, value in results.items() if name.endswith("_out")}
        begin = {rank: begin[rank] + more[rank] for rank in begin}
    return results


def check(what, expected, actual):
    for name, value in expected.items():
        known = ~np.isnan(value) if value.dtype.kind == "f" else np.full(value.shape, True)  # inf - inf as it is written
        np.testing.assert_allclose(actual[name][known], value[known], rtol=1e-9, atol=1e-9, err_msg=f"{what}: {name}")


OUTPUTS, RESUMED = {}, {}
for cascade, signature in SIGNATURES.items():
    library = folder / f"{cascade}.so"
    resume = "resume=N" if cascade in ("lone", "best") else "resume=on"
    subprocess.run([weirc, "compile", file, "--dtype", "f64", "--cascade", cascade, "--map", resume, "--target", "cpu:x86-64-v3",
                    "-o", library], check=True)
    kernel = weir.load(library, cascade)
    RESUMED[cascade] = [tensor.name for tensor in kernel.outputs]
    OUTPUTS[cascade] = [name for name in RESUMED[cascade] if not name.endswith("_out")]
    told = {"N_all": N} if "N_all" in kernel.params else {}
    sizes = {"M": M, "D": D, "F": F}
    empty = {tensor.name: np.zeros([sizes[rank] for rank in tensor.ranks], tensor.numpy)
             for tensor in kernel.inputs if tensor.name.endswith("_in")}
    for kind in ("ordinary", "huge", "equal", "infinite"):
        if kind in ("huge", "infinite") and cascade == "entropy":
            continue  # as written, with infinities times 0
        tensors = draw(kind, signature)
        expected = run(tensors, cascade, "--target", "interpret")

        def compiled(given, start):
            return kernel(**given, **start, **told)

        def command(*target):
            extra = [f"--set={name}={value}" for name, value in told.items()]
            return lambda given, start: run(given, cascade, *target, "--map", resume,
                                            *(f"--set={name}={value}" for name, value in start.items()), *extra)

        check(f"{cascade}, {kind}, compiled", expected, in_calls(compiled, signature, tensors, parts(kind), empty))
        if kind == "infinite":  # the first call's state is the empty one, if it is not given
            check(f"{cascade}, {kind}, interpreted", expected,
                  in_calls(command("--target", "interpret"), signature, tensors, parts(kind), {}))
        if kind == "ordinary" and cascade in ("causal", "best", "beside"):
            check(f"{cascade}, {kind}, just in time", expected, in_calls(command(), signature, tensors, parts(kind), {}))
    print(cascade, "agrees")
