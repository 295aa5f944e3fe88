"""Kernels for a GPU from Python, each beside the same kernel for the processor, on the same inputs. Arguments: folder with NAME.so and
NAME.cpu.so, names. What differs more than rounding does is printed."""
import ctypes
import pathlib
import sys

import numpy as np
import weir

folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
EXTENTS = {"B": 2, "H": 4, "G": 2, "M": 21, "N": 37, "D": 16, "F": 24, "E": 16}
rng = np.random.default_rng(1)


def draw(tensor):
    shape = [size if size is not None else EXTENTS[rank] for rank, size in zip(tensor.ranks, tensor.shape)]
    if tensor.dtype in ("i4", "i8", "i32", "i64"):
        return rng.integers(-8, 8, shape).astype(tensor.numpy)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    values = rng.standard_normal(shape)
    return values.astype(np.float32) if tensor.numpy != np.float64 else values


def real(array, dtype):
    return weir.decode(array, dtype) if dtype == "bf16" else array.astype(np.float64)


class DLManagedTensor(ctypes.Structure):
    _fields_ = weir._OnGPU._DLTensor._fields_ + [("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class OnGPU:
    """An array in the GPU's memory, as PyTorch's and CuPy's are."""
    CODES = {name: code for code, name in weir._DLPACK.items()}

    def __init__(self, cuda, array, dtype):
        self.array, self.address, (code, bits) = array, cuda.upload(array), self.CODES[dtype]
        self.numbers = (ctypes.c_int64 * (2 * array.ndim))(*array.shape, *(stride // array.itemsize for stride in array.strides))
        numbers = ctypes.cast(self.numbers, ctypes.POINTER(ctypes.c_int64))
        self.managed = DLManagedTensor(self.address, (2, 0), array.ndim, code, bits, 1, numbers,
                                       ctypes.cast(ctypes.addressof(self.numbers) + 8 * array.ndim, ctypes.POINTER(ctypes.c_int64)), 0)

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, stream=None):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        return new(ctypes.addressof(self.managed), b"dltensor", None)


def run_in_place(kernel, inputs, like):
    """The kernel on arrays that are on the GPU."""
    with weir._Cuda() as cuda:
        given = {t.name: OnGPU(cuda, kernel._prepare(t, inputs[t.name])[0], t.dtype) for t in kernel.inputs}
        out = {t.name: OnGPU(cuda, np.zeros_like(like[t.name]), t.dtype) for t in kernel.outputs}
        for wrong in ({"out": {}}, {"out": out, kernel.inputs[0].name: inputs[kernel.inputs[0].name]}):
            try:
                kernel(**{"stream": 7, **given, **wrong})
            except TypeError as error:
                print(error)
        returned = kernel(**given, out=out, stream=7)
        for t in kernel.outputs:
            assert returned[t.name] is out[t.name]
            cuda.download(out[t.name].address, out[t.name].array)
        return {t.name: out[t.name].array for t in kernel.outputs}


for name in names:
    gpu, cpu = weir.load(folder / f"{name}.so"), weir.load(folder / f"{name}.cpu.so")
    assert (gpu.device, cpu.device) == ("cuda", "cpu")
    inputs = {tensor.name: draw(tensor) for tensor in gpu.inputs}
    given, expected = gpu(**inputs), cpu(**inputs)
    for tensor in gpu.outputs:
        a, b = real(given[tensor.name], tensor.dtype), real(expected[tensor.name], tensor.dtype)
        allowed = {"bf16": 2.0 ** -6, "f16": 2.0 ** -9, "f32": 2.0 ** -18, "f64": 2.0 ** -40}[tensor.dtype] * (1 + np.abs(b))
        worst = np.max(np.abs(a - b) / allowed, initial=0)
        print(f"{name}: {tensor} {'agrees' if worst <= 1 else f'differs by {worst} of what is allowed'}")
    # What is not in one piece, backwards here, and results into such a place.
    turned = {key: np.ascontiguousarray(value[..., ::-1])[..., ::-1] for key, value in inputs.items()}
    place = {tensor.name: np.zeros(given[tensor.name].shape[::-1], tensor.numpy).T for tensor in gpu.outputs}
    gpu(**turned, out=place)
    print(f"{name}: strides", "agree" if all(np.array_equal(place[key], given[key], equal_nan=True) for key in place) else "differ")
    if all(tensor.dtype in OnGPU.CODES for tensor in gpu.inputs):
        placed = run_in_place(gpu, inputs, given)
        print(f"{name}: in place", "agrees" if all(np.array_equal(placed[key], given[key], equal_nan=True) for key in placed) else "differs")
    try:
        gpu(**{key: value[..., :1] if key == "K" else value for key, value in inputs.items()})
    except weir.Error as error:
        print(f"{name}: {error.code} {error}")
