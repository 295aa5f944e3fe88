"""tile_workspace.py KERNEL.so none|some: the bytes of workspace that softmax attention asks for, over many numbers of rows and keys."""
import ctypes
import sys

import numpy as np

import weir

kernel = weir.load(sys.argv[1])
measure = kernel._function("_workspace_bytes", ctypes.c_int64, ctypes.c_void_p)
sizes = set()
kernel._run = lambda args: sizes.add(measure(args)) or 0  # in place of the kernel, which would take its time
for heads, rows, keys in [(1, 1, 1), (2, 1, 3000), (2, 3000, 1), (8, 500, 700), (1, 5000, 5000)]:
    q, k, v = (np.zeros((1, heads, n, 64), np.float32) for n in (rows, keys, keys))
    kernel(Q=q, K=k, V=v)
if len(sizes) != 1:
    sys.exit(f"the workspace depends on rows and keys: {sorted(sizes)} bytes")
size = sizes.pop()
if (size == 0) != (sys.argv[2] == "none") or size > 32 << 20:
    sys.exit(f"{size} bytes of workspace, expected {sys.argv[2]}, and not much")
