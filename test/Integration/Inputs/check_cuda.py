"""Kernels for a GPU from Python, each beside the same kernel for the processor, on the same inputs. Arguments: folder with NAME.so and
NAME.cpu.so, names. What differs more than rounding does is printed."""
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
    try:
        gpu(**{key: value[..., :1] if key == "K" else value for key, value in inputs.items()})
    except weir.Error as error:
        print(f"{name}: {error.code} {error}")
