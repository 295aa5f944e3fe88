"""Weir kernels from Python: NumPy arrays in, NumPy arrays out. One file; needs NumPy and nothing of the compiler.

    import weir
    kernel = weir.load("softmax.so")
    result = kernel(Q=q, K=k, V=v, cap=30.0)     # {"O": array, "LSE": array}
    kernel(Q=q, K=k, V=v, out={"O": o}, threads=4)
    plan = kernel.plan(Q=q, K=k, V=v, DOC=doc)   # of a kernel whose masks read tensors: decided once,
    kernel(Q=q, K=k, V=v, DOC=doc, plan=plan)    # for calls with the same masks, extents and params

An array has the declared type, or one that converts to it without loss; lists and numbers are converted. bf16, f8e4m3 and f8e5m2
are given as raw bits (uint16, uint8; an ml_dtypes array is viewed so) or as float32, which is rounded to nearest even; they
come back as raw bits, which `decode(array, "bf16")` turns into float32. i4 is one int8 an entry on both sides. Any strides will do.
A kernel for a GPU takes the same arrays: they are copied to the GPU and results back, each call. Arrays on the GPU (PyTorch's, CuPy's, all that
have `__dlpack__`) are taken where they are; then all inputs and, by `out=`, all outputs must be there, and the call returns once
it is launched on `stream`, a CUstream's address (0: the default stream).
A call that the kernel refuses raises weir.Error with the kernel's own text; nothing has been written then. Kernels may be called from
several threads at once; the interpreter's lock is not held while they run.
"""
import ctypes
import json
import os
import struct

import numpy as np

__all__ = ["load", "Kernel", "Error", "decode", "encode"]

_NUMPY = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": np.uint16, "f8e4m3": np.uint8,
          "f8e5m2": np.uint8, "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i4": np.int8,
          "u32": np.uint32, "u8": np.uint8, "bool": np.bool_}
# (code, bits) of dlpack.h
_DLPACK = {(2, 64): "f64", (2, 32): "f32", (2, 16): "f16", (4, 16): "bf16", (0, 64): "i64", (0, 32): "i32", (0, 16): "i16", (0, 8): "i8",
           (1, 32): "u32", (1, 8): "u8", (6, 8): "bool", (10, 8): "f8e4m3", (12, 8): "f8e5m2"}
_BITS = ("bf16", "f8e4m3", "f8e5m2")  # NumPy has no such types
_HEADER = struct.Struct("=QIi8Q")     # WEIR_ARGS_HEADER of weir_runtime.h
_TENSOR = struct.Struct("=QiiQQ")     # weir_tensor
_PARAM = {"f32": "=f", "f64": "=d", "i64": "=q", "bool": "=i"}


class Error(RuntimeError):
    """A call that a kernel refused. `code` is the weir_status of weir_runtime.h."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def _f8_values(dtype):
    """The value of each of the 256 codes."""
    code = np.arange(256)
    sign = np.where(code & 0x80, -1.0, 1.0)
    bits, bias = (3, 7) if dtype == "f8e4m3" else (2, 15)
    exponent, fraction = (code & 0x7F) >> bits, (code & ((1 << bits) - 1)) / (1 << bits)
    value = np.where(exponent == 0, np.ldexp(fraction, 1 - bias), np.ldexp(1 + fraction, exponent - bias))
    if dtype == "f8e4m3":
        value[(code & 0x7F) == 0x7F] = np.nan
    else:
        value[exponent == 31] = np.where(fraction[exponent == 31] == 0, np.inf, np.nan)
    return (sign * value).astype(np.float32)


def decode(bits, dtype):
    """Raw bits of bf16, f8e4m3 or f8e5m2 as float32, exactly."""
    if dtype == "bf16":
        return (np.asarray(bits, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return _f8_values(dtype)[np.asarray(bits, np.uint8)]


def encode(array, dtype):
    """float32 values as raw bits of bf16, f8e4m3 or f8e5m2, rounded to nearest even."""
    x = np.asarray(array, np.float32)
    if dtype == "bf16":
        i = x.view(np.uint32) if x.ndim else x.reshape(1).view(np.uint32).reshape(())
        rounded = ((i.astype(np.uint64) + 0x7FFF + ((i >> 16) & 1)) >> 16).astype(np.uint16)
        return np.where(np.isnan(x), np.uint16(0x7FC0), rounded)
    table = _f8_values(dtype)
    finite = np.isfinite(table[:128])
    values = table[:128][finite].astype(np.float64)  # rising
    magnitude = np.abs(x.astype(np.float64))
    upper = np.clip(np.searchsorted(values, magnitude), 1, len(values) - 1)
    lower = upper - 1
    middle = (values[lower] + values[upper]) / 2
    code = np.where((magnitude > middle) | ((magnitude == middle) & (upper % 2 == 0)), upper, lower)
    half_step = (values[-1] - values[-2]) / 2
    # Halfway to the value that would come next rounds to even: away from the largest, whose code is odd in e5m2 and even in e4m3.
    limit = values[-1] + half_step
    beyond = magnitude > limit if (len(values) - 1) % 2 == 0 else magnitude >= limit
    code = np.where(beyond, 0x7C if dtype == "f8e5m2" else 0x7F, code)
    code = np.where(np.isnan(x), 0x7F, code)
    return (code | np.where(np.signbit(x), 0x80, 0)).astype(np.uint8)


def _pack_i4(array):
    """One int8 an entry to two entries a byte along the last axis, the low half first."""
    if array.ndim == 0:
        return (array & 15).astype(np.uint8).reshape(1)
    padded = np.zeros(array.shape[:-1] + ((array.shape[-1] + 1) // 2 * 2,), np.uint8)
    padded[..., :array.shape[-1]] = array.astype(np.uint8) & 15
    return np.ascontiguousarray(padded[..., 0::2] | padded[..., 1::2] << 4)


def _unpack_i4(packed, shape):
    if not shape:
        return ((packed.astype(np.int8) << 4).astype(np.int8) >> 4).reshape(())
    both = np.stack([packed & 15, packed >> 4], axis=-1).reshape(packed.shape[:-1] + (-1,))
    return ((both.astype(np.int8) << 4).astype(np.int8) >> 4)[..., :shape[-1]]


class Tensor:
    """An input or output of a kernel: name, dtype ("f32"), ranks (["M", "N"]), shape (None where open)."""

    def __init__(self, entry):
        self.name, self.dtype, self.ranks = entry["name"], entry["dtype"], entry["ranks"]
        self.shape, self.code, self.offset = entry["shape"], entry["code"], entry["offset"]
        self.numpy = np.dtype(_NUMPY[self.dtype])

    def __repr__(self):
        return f"{self.name}: {self.dtype}[{','.join(self.ranks)}]"


class _OnGPU:
    """An array in a GPU's memory, as its library hands it over by DLPack: address, dtype, shape, strides in elements."""

    class _DLTensor(ctypes.Structure):
        _fields_ = [("data", ctypes.c_uint64), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                    ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                    ("strides", ctypes.POINTER(ctypes.c_int64)), ("offset", ctypes.c_uint64)]

    def __init__(self, array, stream):
        self._array, self._capsule = array, array.__dlpack__(stream=stream or 1)  # 1: the default stream
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
        tensor = self._DLTensor.from_address(pointer(self._capsule, b"dltensor"))
        self.address, self.dtype = tensor.data + tensor.offset, _DLPACK.get((tensor.code, tensor.bits))
        self.shape = tuple(tensor.shape[:tensor.ndim])
        steps = [1]
        for extent in self.shape[:0:-1]:
            steps.insert(0, steps[0] * extent)
        self.strides = tensor.strides[:tensor.ndim] if tensor.strides else steps[:tensor.ndim]

    @staticmethod
    def holds(value):
        return not isinstance(value, np.ndarray) and hasattr(value, "__dlpack_device__") and value.__dlpack_device__()[0] == 2


class _Cuda:
    """NVIDIA's driver: memory of the current context, or of device 0 where there is none."""

    def __init__(self):
        self._library = ctypes.CDLL("libcuda.so.1")  # OSError where there is no driver
        self._call("cuInit", 0)
        self._primary = ctypes.c_void_p()
        self._held = []

    def _call(self, name, *arguments):
        status = self._library[name](*arguments)
        if status:
            text = ctypes.c_char_p()
            self._library["cuGetErrorString"](status, ctypes.byref(text))
            raise Error(15, f"{name}: {(text.value or b'unknown error').decode()} (CUDA error {status})")

    def __enter__(self):
        current, device = ctypes.c_void_p(), ctypes.c_int()
        self._call("cuCtxGetCurrent", ctypes.byref(current))
        if not current:
            self._call("cuDeviceGet", ctypes.byref(device), 0)
            self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._primary), device)
            self._call("cuCtxPushCurrent_v2", self._primary)
        return self

    def __exit__(self, *_):
        for pointer in self._held:
            self._library["cuMemFree_v2"](pointer)
        if self._primary:
            self._library["cuCtxPopCurrent_v2"](ctypes.byref(ctypes.c_void_p()))

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(size, 1)))
        self._held.append(pointer)
        return pointer.value

    def upload(self, array):
        address = self.allocate(array.nbytes)
        if array.nbytes:
            self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes))
        return address

    def download(self, address, array):
        self._call("cuCtxSynchronize")
        if array.nbytes:
            self._call("cuMemcpyDtoH_v2", ctypes.c_void_p(array.ctypes.data), ctypes.c_uint64(address), ctypes.c_size_t(array.nbytes))


class Kernel:
    """A compiled kernel. Call it with its inputs and params by name."""

    def __init__(self, path, name=None):
        path = os.fspath(path)
        self._library = ctypes.CDLL(os.path.abspath(path) if os.path.exists(path) else path)
        # A kernel whose name C has for itself carries a mark.
        for symbol in (f"{name}_manifest", f"{name}__manifest") if name else ("weir_manifest",):
            if hasattr(self._library, symbol):
                text = ctypes.c_char.in_dll(self._library, symbol)
                break
        else:
            raise ValueError(f"{path} holds no Weir kernel" + (f" called {name}" if name else ""))
        manifest = json.loads(ctypes.string_at(ctypes.addressof(text)))
        if manifest["abi"] != 1:
            raise ValueError(f"{path} has version {manifest['abi']} of the interface, this file knows 1")
        self.name, self._symbol = manifest["kernel"], manifest["symbol"]
        self.versions, self.device = manifest["versions"], manifest.get("device", "cpu")
        self._args_size = manifest["args_size"]
        tensors = [(entry["output"], Tensor(entry)) for entry in manifest["tensors"]]
        self.inputs = [tensor for output, tensor in tensors if not output]
        self.outputs = [tensor for output, tensor in tensors if output]
        self._params = {entry["name"]: entry for entry in manifest["params"]}
        self.params = {entry["name"]: entry["default"] for entry in manifest["params"]}
        self._run = self._function("", ctypes.c_int, ctypes.c_void_p)
        self._extents = self._function("_output_extents", ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._last_error = self._function("_last_error", ctypes.c_char_p)
        self._has_plan = manifest.get("plan", False)
        self._plan = self._function("_plan", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)

    def _function(self, suffix, result, *arguments):
        function = self._library[self._symbol + suffix]  # indexing makes a new object, attribute access shares one
        function.restype, function.argtypes = result, arguments
        return function

    def __repr__(self):
        params = "".join(f", {name}={default}" for name, default in self.params.items())
        return f"<weir kernel {self.name}({', '.join(map(repr, self.inputs))}{params}) -> ({', '.join(map(repr, self.outputs))})>"

    def _check(self, code):
        if code:
            raise Error(code, self._last_error().decode(errors="replace"))

    def _prepare(self, tensor, value):
        """`value` as an array of the tensor's storage type, and its shape in entries."""
        given = value if isinstance(value, np.ndarray) else np.asarray(value, None if tensor.dtype in _BITS else tensor.numpy)
        if tensor.dtype in _BITS and given.dtype != tensor.numpy:
            if given.dtype.itemsize == tensor.numpy.itemsize and given.dtype.kind in "V" or "float8" in given.dtype.name \
                    or given.dtype.name == "bfloat16":
                given = given.view(tensor.numpy)
            elif given.dtype == np.float32 or not isinstance(value, np.ndarray):
                given = encode(given, tensor.dtype)
        if given.dtype != tensor.numpy and np.can_cast(given.dtype, tensor.numpy, "safe"):
            given = given.astype(tensor.numpy)
        if given.dtype != tensor.numpy:
            raise TypeError(f"{self.name}: tensor {tensor.name} has type {given.dtype}, expected {tensor.dtype}"
                            + (f" ({tensor.numpy} or float32)" if tensor.dtype in _BITS else ""))
        if not given.flags.aligned or any(stride % given.itemsize for stride in given.strides):
            given = np.ascontiguousarray(given)
        shape = given.shape
        if tensor.dtype == "i4":
            given = _pack_i4(given)
        return given, shape

    def _place(self, args, keep, tensor, data, shape, strides):
        numbers = np.array(list(shape) + list(strides) + [0], np.int64)
        keep.append(numbers)
        at = numbers.ctypes.data
        _TENSOR.pack_into(args, tensor.offset, data, tensor.code, len(shape), at, at + 8 * len(shape))

    def _place_array(self, args, keep, tensor, array, shape):
        keep.append(array)
        if tensor.dtype == "i4" or self.device != "cpu":  # what goes to a GPU goes in one piece
            strides, step = [], 1
            for axis in reversed(range(len(shape))):
                strides.insert(0, step)
                step *= (shape[axis] + 1) // 2 * 2 if tensor.dtype == "i4" and axis == len(shape) - 1 else shape[axis]
        else:
            strides = [stride // array.itemsize for stride in array.strides]
        self._place(args, keep, tensor, array.ctypes.data, shape, strides)

    def _place_params(self, args, given):
        for name, entry in self._params.items():
            value = given.pop(name, entry["default"])
            if value is None:
                raise TypeError(f"{self.name}: param {name} is missing")
            if isinstance(value, str):
                value = {"true": True, "false": False}.get(value) if entry["storage"] == "bool" else \
                    int(value, 0) if entry["storage"] == "i64" else float(value)
            value = float(value) if entry["storage"] in ("f32", "f64") else int(value)
            struct.pack_into(_PARAM[entry["storage"]], args, entry["offset"], value)

    def __call__(self, *, out=None, threads=0, stream=0, plan=None, **given):
        """Runs the kernel on inputs and params by name; returns {name: array}. `out` may hold arrays for outputs; `threads` 0 is as
        many as there are; `stream` is for arrays on a GPU; `plan` is what plan() gave for inputs whose masks, extents and params were
        these, or None."""
        return self.bind(out=out, threads=threads, stream=stream, plan=plan, **given)()

    def plan(self, *, threads=0, **given):
        """Which tiles the kernel visits for these inputs and params, for many calls; None where no input decides that."""
        if not self._has_plan:
            return None
        args = self._start(threads, 0, None)
        buffer, keep, _, _ = self._place_arrays(args, [], given, {})
        address = ctypes.addressof(buffer)
        size = self._plan(address, None)
        self._check(-min(size, 0))
        plan = np.empty((size + 7) // 8, np.uint64)
        self._check(-min(self._plan(address, plan.ctypes.data), 0))
        return plan

    def _place_arrays(self, args, keep, given, out):
        """Fills NAME_args: as memory, with what has to live as long, the inputs and the outputs."""
        inputs = []
        for tensor in self.inputs:
            if tensor.name not in given:
                raise TypeError(f"{self.name}: input {tensor.name} is missing")
            array, shape = self._prepare(tensor, given.pop(tensor.name))
            self._place_array(args, keep, tensor, array, shape)
            inputs.append((tensor, array))
        self._place_params(args, given)
        self._refuse_others(given)
        buffer = (ctypes.c_char * self._args_size).from_buffer(args)
        return buffer, keep, inputs, self._make_outputs(args, buffer, keep, dict(out))

    def _start(self, threads, stream, plan):
        args = bytearray(self._args_size)
        address = 0 if plan is None else plan.ctypes.data
        _HEADER.pack_into(args, 0, self._args_size, 1, threads, 0, 0, 0, 0, address, stream, 0, 0)
        return args

    def bind(self, *, out=None, threads=0, stream=0, plan=None, **given):
        """The same call as a function without arguments, for calls that are short beside the placing of their arguments. Every time it
        reads the arrays given here as they are then (of those that had to be converted, a copy), and writes the same outputs."""
        args, keep = self._start(threads, stream, plan), [plan]
        if self.device != "cpu" and any(map(_OnGPU.holds, given.values())):
            return self._bind_on_gpu(args, keep, stream, given, out or {})
        buffer, keep, inputs, results = self._place_arrays(args, keep, given, out or {})

        def call(keep=keep):
            if self.device == "cpu":
                self._check(self._run(ctypes.addressof(buffer)))
            else:
                self._run_on_gpu(buffer, inputs, results)
            return {tensor.name: _unpack_i4(array, shape) if tensor.dtype == "i4" else array
                    for tensor, array, shape in results}
        return call

    def _refuse_others(self, given):
        if given:
            known = [tensor.name for tensor in self.inputs] + list(self._params)
            raise TypeError(f"{self.name} has no {', '.join(given)}; it takes {', '.join(known)}")

    def _bind_on_gpu(self, args, keep, stream, given, out):
        """bind() of arrays that are on the GPU."""
        out, results = dict(out), {}
        for tensors, given_arrays, what in (self.inputs, given, "input"), (self.outputs, out, "output"):
            for tensor in tensors:
                if tensor.name not in given_arrays:
                    raise TypeError(f"{self.name}: {what} {tensor.name} is missing" + (" in out=" if what == "output" else ""))
                value = given_arrays.pop(tensor.name)
                if not _OnGPU.holds(value):
                    raise TypeError(f"{self.name}: {what} {tensor.name} is not on the GPU, others are")
                array = _OnGPU(value, stream)
                if array.dtype != tensor.dtype and not (array.dtype == "u8" and tensor.dtype in ("f8e4m3", "f8e5m2")):
                    raise TypeError(f"{self.name}: tensor {tensor.name} has type {array.dtype}, expected {tensor.dtype}")
                keep.append(array)
                self._place(args, keep, tensor, array.address, array.shape, array.strides)
                if what == "output":
                    results[tensor.name] = value
        self._place_params(args, given)
        self._refuse_others({**given, **out})
        buffer = (ctypes.c_char * self._args_size).from_buffer(args)
        address = ctypes.addressof(buffer)

        def call(keep=(keep, buffer)):
            self._check(self._run(address))
            return results
        return call

    def _run_on_gpu(self, buffer, inputs, results):
        def place(tensor, address):
            struct.pack_into("=Q", buffer, tensor.offset, address)
        try:
            cuda = _Cuda()
        except OSError:  # the kernel says so, after its checks
            self._check(self._run(ctypes.addressof(buffer)))
            raise
        with cuda:
            for tensor, array in inputs:
                place(tensor, cuda.upload(np.ascontiguousarray(array)))
            addresses = [cuda.allocate(array.nbytes) for _, array, _ in results]
            for (tensor, _, _), address in zip(results, addresses):
                place(tensor, address)
            self._check(self._run(ctypes.addressof(buffer)))
            for (_, array, _), address in zip(results, addresses):
                whole = array if array.flags.c_contiguous else np.empty(array.shape, array.dtype)
                cuda.download(address, whole)
                if whole is not array:
                    array[...] = whole

    def _make_outputs(self, args, buffer, keep, out):
        extents = np.full(sum(len(tensor.ranks) for tensor in self.outputs) + 1, -1, np.int64)
        keep.append(extents)
        self._check(self._extents(ctypes.addressof(buffer), extents.ctypes.data))
        results, at = [], 0
        for tensor in self.outputs:
            shape = tuple(int(extent) for extent in extents[at:at + len(tensor.ranks)])
            at += len(tensor.ranks)
            array = out.pop(tensor.name, None)
            if array is not None:
                if not isinstance(array, np.ndarray) or array.dtype != tensor.numpy or tensor.dtype == "i4" \
                        or not array.flags.writeable or any(stride % array.itemsize for stride in array.strides):
                    raise TypeError(f"{self.name}: out[{tensor.name!r}] must be a writeable {tensor.numpy} array")
                shape = array.shape
            elif min(shape, default=0) < 0:
                raise ValueError(f"{self.name}: the extents of output {tensor.name} are not known from the inputs; give out=")
            elif tensor.dtype == "i4":
                array = np.zeros(shape[:-1] + ((shape[-1] + 1) // 2,) if shape else (1,), np.uint8)
            else:
                array = np.empty(shape, tensor.numpy)
            self._place_array(args, keep, tensor, array, shape)
            results.append((tensor, array, shape))
        if out:
            raise TypeError(f"{self.name} has no output {', '.join(out)}")
        return results


def load(path, name=None):
    """The kernel of a shared library that `weirc compile` made; `name` says which where it holds several."""
    return Kernel(path, name)
