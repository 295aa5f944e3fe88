#!/usr/bin/env python3
"""Runs kernels that weirc made as PTX on an NVIDIA GPU and compares them with NumPy in f64. See docs/gpu.md.

    weirc compile examples/softmax/softmax.attn --target cuda:sm_80 --emit=ptx -o softmax.ptx
    scripts/check_ptx_on_gpu.py softmax=softmax.ptx causal=causal.ptx sigmoid=sigmoid.ptx

Each argument is FORMULA=FILE: which of the formulas below the file's kernel computes. Prints a line each case with the largest error,
|got - want| / (1 + |want|), and the kernel's time. The exit status is 0 if all are within the tolerance, 1 if one is not, 2 if there is
no GPU. Needs NumPy and the driver's libcuda.so.1, nothing else.
"""
import argparse
import ctypes
import json
import pathlib
import sys

import numpy as np

GUARD = 64  # floats behind an output that no kernel may touch
TOLERANCE = 2e-5


# --- what the kernels should compute; q [M,D], k [N,D], v [N,F] in f64 ---------------------------------------------------

def masked_softmax(scores, present, v):
    scores = np.where(present, scores, -np.inf)
    top = scores.max(axis=1, keepdims=True, initial=np.finfo(np.float64).min)
    weights = np.exp(scores - top)
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights @ v, total, out=np.zeros((len(scores), v.shape[1])), where=total > 0)


def scores_of(q, k):
    return q @ k.T / np.sqrt(q.shape[1])


def last_queries(q, k):
    m, n = len(q), len(k)
    return np.arange(n)[None, :] <= np.arange(m)[:, None] + (n - m)


def softmax(q, k, v):
    return masked_softmax(scores_of(q, k), np.ones((len(q), len(k)), bool), v)


def causal(q, k, v):
    return masked_softmax(scores_of(q, k), last_queries(q, k), v)


def sigmoid(q, k, v):
    scores = scores_of(q, k) - np.log(len(k))
    return np.where(last_queries(q, k), 1 / (1 + np.exp(-scores)), 0) @ v


FORMULAS = {"softmax": softmax, "causal": causal, "sigmoid": sigmoid}


# --- the driver ----------------------------------------------------------------------------------------------------------

class Driver:
    """As much of libcuda as is needed; a failed call raises."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
            self.call("cuInit", 0)
            device = ctypes.c_int()
            self.call("cuDeviceGet", ctypes.byref(device), 0)
        except (OSError, RuntimeError) as error:
            print(f"check_ptx_on_gpu.py: no GPU: {error}", file=sys.stderr)
            sys.exit(2)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        name = ctypes.create_string_buffer(256)
        self.call("cuDeviceGetName", name, 256, device)
        self.name = name.value.decode()

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'?').decode()} ({status})")

    def load(self, ptx, names):
        """The functions of a PTX text by name; the assembler's messages where it is refused."""
        module = ctypes.c_void_p()
        log = ctypes.create_string_buffer(1 << 16)
        options = (ctypes.c_int * 2)(5, 6)  # CU_JIT_ERROR_LOG_BUFFER, its size
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), len(log))
        try:
            self.call("cuModuleLoadDataEx", ctypes.byref(module), ptx.encode() + b"\0", 2, options, values)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.value.decode()}") from None
        functions = {}
        for name in names:
            functions[name] = ctypes.c_void_p()
            self.call("cuModuleGetFunction", ctypes.byref(functions[name]), module, name.encode())
        return functions

    def upload(self, array):
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(array.nbytes, 16)))
        if array.nbytes:
            self.call("cuMemcpyHtoD_v2", pointer, array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes))
        return pointer

    def download(self, pointer, array):
        self.call("cuMemcpyDtoH_v2", array.ctypes.data_as(ctypes.c_void_p), pointer, ctypes.c_size_t(array.nbytes))

    def free(self, pointer):
        self.call("cuMemFree_v2", pointer)

    def launch(self, function, grid, block, shared, arguments):
        if shared:  # more than 48 KiB must be asked for
            self.call("cuFuncSetAttribute", function, 8, shared)  # MAX_DYNAMIC_SHARED_SIZE_BYTES
        pointers = (ctypes.c_void_p * len(arguments))(*[ctypes.addressof(a) for a in arguments])
        self.call("cuLaunchKernel", function, grid, 1, 1, block, 1, 1, shared, None, pointers, None)

    def time(self, work, runs):
        """The least of the times of `runs` calls of `work`, in milliseconds."""
        begin, end = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuEventCreate", ctypes.byref(begin), 0)
        self.call("cuEventCreate", ctypes.byref(end), 0)
        best = float("inf")
        for _ in range(runs):
            self.call("cuEventRecord", begin, None)
            work()
            self.call("cuEventRecord", end, None)
            self.call("cuEventSynchronize", end)
            time = ctypes.c_float()
            self.call("cuEventElapsedTime", ctypes.byref(time), begin, end)
            best = min(best, time.value)
        return best


# --- the kernels ---------------------------------------------------------------------------------------------------------

class Kernel:
    def __init__(self, driver, path):
        self.driver, text = driver, pathlib.Path(path).read_text()
        lines = [line for line in text.splitlines() if line.startswith("// weir: ")]
        if len(lines) != 1:
            raise RuntimeError(f"{path}: has {len(lines)} lines '// weir: {{...}}', not one")
        self.launch = json.loads(lines[0][len("// weir: "):])
        self.functions = driver.load(text, [self.launch["plan"]] + [one["kernel"] for one in self.launch["launches"]])

    def extent(self, rank):
        """The extent that the kernel was compiled for, or nothing."""
        for argument in self.launch["arguments"]:
            for name, size in zip(argument.get("ranks", []), argument.get("shape", [])):
                if name == rank and size is not None:
                    return size
        return None

    def plan(self, values, extents):
        """Bytes of the workspace, and of each launch blocks and shared memory; `extents` are those that the outputs should have."""
        launches = self.launch["launches"]
        numbers = np.zeros(2 + 2 * len(launches) + len(extents), np.int64)
        pointer = self.driver.upload(numbers)
        list_of = [pointer, pointer] + [ctypes.c_int64(x) for x in (0, numbers.nbytes, 1)]
        self.driver.launch(self.functions[self.launch["plan"]], 1, 1, 0, values + list_of)
        self.driver.download(pointer, numbers)
        self.driver.free(pointer)
        if numbers[0]:
            raise RuntimeError("these extents break the promise " + self.launch["promises"][numbers[0] - 1])
        needs = numbers[2:2 + 2 * len(launches)].reshape(-1, 2)
        if list(numbers[2 + needs.size:]) != list(extents):
            raise RuntimeError(f"the plan says that outputs have the extents {numbers[2 + needs.size:]}, not {extents}")
        return int(numbers[1]), needs.tolist()

    def run(self, arrays, grid, runs):
        """`arrays`: name -> (memory, extents, strides) of each tensor; results are written into the memory. `grid`: blocks, 0: as planned."""
        values, uploaded, results = [], {}, []
        for argument in self.launch["arguments"]:
            if argument["kind"] == "workspace":
                continue
            if argument["kind"] == "param":
                raise RuntimeError("kernels with params are not checked here")
            memory, extents, strides = arrays[argument["name"]]
            if argument["kind"] == "output":
                results += extents
            pointer = self.driver.upload(memory)
            uploaded[argument["name"]] = pointer
            values += [pointer, pointer] + [ctypes.c_int64(x) for x in [0, *extents, *strides]]
        size, needs = self.plan(values, results)
        workspace = self.driver.upload(np.zeros(size, np.int8))
        uploaded[""] = workspace
        values += [workspace, workspace] + [ctypes.c_int64(x) for x in (0, size, 1)]

        def launch_all():
            for one, (blocks, shared) in zip(self.launch["launches"], needs):
                if blocks:
                    self.driver.launch(self.functions[one["kernel"]], grid or blocks, one["block"], one["shared"] + shared, values)

        time = self.driver.time(launch_all, runs)
        for argument in self.launch["arguments"]:
            if argument["kind"] == "output":
                self.driver.download(uploaded[argument["name"]], arrays[argument["name"]][0])
        for pointer in uploaded.values():
            self.driver.free(pointer)
        return time


def make(rng, extents, layout, fill=None):
    """(memory, extents, strides, the tensor as a view of the memory); rows of `padded` have 3 more elements, `swapped` has heads inside rows."""
    b, h, m, d = extents
    row = d + (3 if layout == "padded" else 0)
    strides = [m * h * row, row, h * row, 1] if layout == "swapped" else [h * m * row, m * row, row, 1]
    memory = np.full(b * h * m * row + GUARD, np.nan, np.float32)
    view = np.lib.stride_tricks.as_strided(memory, extents, [4 * s for s in strides])
    if fill is None:
        view[...] = rng.standard_normal(extents)
    return memory, list(extents), strides, view


def check(kernel, formula, case, rng):
    b, h, m, n, d, f, layout, grid, runs = case
    d, f = kernel.extent("D") or d, kernel.extent("F") or f
    q, k, v = make(rng, (b, h, m, d), layout), make(rng, (b, h, n, d), layout), make(rng, (b, h, n, f), layout)
    o = make(rng, (b, h, m, f), layout, fill="nothing")
    time = kernel.run({"Q": q[:3], "K": k[:3], "V": v[:3], "O": o[:3]}, grid, runs)
    worst = 0.0
    heads = [(i, j) for i in range(b) for j in range(h)]
    if len(heads) * m * n > 1 << 24:
        heads = heads[::max(1, len(heads) // 2)]
    for i, j in heads:
        want = formula(*(x[3][i, j].astype(np.float64) for x in (q, k, v)))
        error = np.abs(o[3][i, j] - want) / (1 + np.abs(want))
        worst = max(worst, np.inf if np.isnan(error).any() else error.max(initial=0))
    written = np.zeros(o[0].shape, bool)
    np.lib.stride_tricks.as_strided(written, o[1], o[2])[...] = True
    stray = int((~np.isnan(o[0][~written])).sum())
    good = worst <= TOLERANCE and stray == 0
    flops = 2 * b * h * m * n * (d + f)
    print(f"{'ok  ' if good else 'FAIL'} B={b} H={h} M={m} N={n} D={d} F={f} {layout} grid={grid}: error {worst:.2e}, "
          f"{time:.3f} ms, {flops / time / 1e6:.1f} GFLOP/s" + (f", {stray} elements written outside O" if stray else ""))
    return good


def cases(big):
    small = [(1, 2, m, n, 64, 64, "plain", 7, 1) for m in (1, 15, 16, 17, 100) for n in (1, 31, 32, 33, 257)]
    return small + [
        (2, 3, 33, 65, 64, 64, "padded", 1, 1), (2, 3, 33, 65, 64, 64, "swapped", 1000, 1),
        (1, 1, 40, 50, 1, 1, "plain", 4, 1), (1, 2, 40, 50, 7, 19, "padded", 4, 1), (1, 2, 70, 130, 80, 128, "plain", 9, 1),
        (1, 2, 70, 130, 128, 128, "swapped", 9, 1), (1, 1, 64, 64, 384, 384, "plain", 4, 1),
        (1, 16, big, big, 64, 64, "plain", 0, 3), (1, 16, big, big, 128, 128, "plain", 0, 3)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", metavar="FORMULA=FILE", help="one of " + ", ".join(FORMULAS))
    parser.add_argument("--big", type=int, default=2048, help="queries and keys of the cases that time (default 2048)")
    arguments = parser.parse_args()
    for what in arguments.what:
        if what.partition("=")[0] not in FORMULAS:
            parser.error(f"'{what}' is no FORMULA=FILE; formulas are {', '.join(FORMULAS)}")
    driver = Driver()
    print(driver.name)
    failed = 0
    for what in arguments.what:
        name, _, path = what.partition("=")
        print(f"{name}: {path}")
        kernel = Kernel(driver, path)
        seen = set()
        for case in cases(arguments.big):
            fixed = case[:4] + (kernel.extent("D") or case[4], kernel.extent("F") or case[5]) + case[6:]
            if fixed not in seen:
                failed += not check(kernel, FORMULAS[name], fixed, np.random.default_rng(1))
            seen.add(fixed)
    print(f"{failed} cases failed" if failed else "all cases are within the tolerance")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
