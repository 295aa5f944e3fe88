"""Ways to run a cascade: `weirc run`, one process a case, or a shared library a cascade loaded by weir.py."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from .formulas import round_to

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
FILE_TYPES = {"f64": np.float64, "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i4": np.int8, "u8": np.uint8,
              "u32": np.uint32, "bool": np.bool_}


class RunnerError(Exception):
    """A run that did not give results; the text says why."""


def find_weirc(given):
    for path in (given, os.environ.get("WEIRC"), ROOT / "build" / "bin" / "weirc", shutil.which("weirc")):
        if path and os.path.exists(path):
            return os.path.abspath(path)
    return None


def run_reference(example, inputs, case, dtype):
    """The reference in f32 arithmetic: an independent kernel that the tolerances must accept."""
    inputs = {name: x.astype(np.float32) if x.dtype == np.float64 else x for name, x in inputs.items()}
    with np.errstate(all="ignore"):
        results = example.reference(inputs, case)
    return [round_to(np.asarray(x).astype(np.float64), tensor.dtype or dtype) if tensor.real() else np.asarray(x)
            for tensor, x in zip(example.signature()[1], results)]


class Runner:
    def __init__(self, weirc, target, via, jobs):
        self.weirc, self.target, self.via = weirc, target, "run" if target == "interpret" else via
        self.libraries = {}
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-examples-")
        self.place = pathlib.Path(self.folder.name)
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)
        self.folder.cleanup()

    def run(self, example, inputs, case, dtype):
        """The outputs in the order of the signature; reals as float64 or float32."""
        if self.target == "numpy32":
            return run_reference(example, inputs, case, dtype)
        return (self.run_process if self.via == "run" else self.run_library)(example, inputs, case, dtype)

    def call(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise RunnerError(f"exit status {done.returncode}: {' '.join(str(c) for c in command[:3])} ...\n       {said[:600]}")
        return done

    def common(self, example, case, dtype):
        options = [example.path, "--cascade", example.cascade, "--target", self.target, "--dtype", dtype]
        for name, value in case.consts.items():
            options += ["-D", f"{name}={value}"]
        if "..." in case.extents:
            options += ["-D", f"...={len(case.extents['...'])}"]
        return options

    def run_process(self, example, inputs, case, dtype):
        ins, outs = example.signature()
        command = [self.weirc, "run", *self.common(example, case, dtype)]
        for name, value in case.params.items():
            command += ["--set", f"{name}={value}"]
        for tensor in ins:
            path = self.place / f"{tensor.name}.in.npy"
            np.save(path, inputs[tensor.name].astype(FILE_TYPES.get(tensor.dtype or dtype, np.float32)))
            command += ["--in", f"{tensor.name}={path}"]
        for tensor in outs:
            command += ["--out", f"{tensor.name}={self.place / (tensor.name + '.out.npy')}"]
        self.call(*command)
        return [np.load(self.place / f"{tensor.name}.out.npy") for tensor in outs]

    def run_library(self, example, inputs, case, dtype):
        import weir
        ins, outs = example.signature()
        kernel = self.library(example, case, dtype).result()
        given = {tensor.name: inputs[tensor.name].astype(FILE_TYPES.get(tensor.dtype or dtype, np.float32)) for tensor in ins}
        try:
            results = kernel(**given, **case.params)
        except (weir.Error, TypeError, ValueError) as refusal:
            raise RunnerError(f"the kernel refuses: {refusal}") from None
        return [weir.decode(results[t.name], "bf16") if (t.dtype or dtype) == "bf16" else results[t.name] for t in outs]

    def prepare(self, example, dtype):
        """Starts to compile the kernels that the example's cases need."""
        if self.via == "lib" and self.target != "numpy32":
            for case in example.cases():
                self.library(example, case, dtype)

    def library(self, example, case, dtype):
        """The promise of a library: the cascade compiled once for every setting of its consts."""
        options = self.common(example, case, dtype)
        key = " ".join(map(str, options))
        if key not in self.libraries:
            self.libraries[key] = self.pool.submit(self.compile, options, self.place / f"{len(self.libraries)}.so")
        return self.libraries[key]

    def compile(self, options, path):
        import weir
        self.call(self.weirc, "compile", *options, "-o", path)
        try:
            return weir.load(path)
        except (OSError, ValueError, KeyError) as fault:
            raise RunnerError(f"the library cannot be loaded: {fault!r}") from None
