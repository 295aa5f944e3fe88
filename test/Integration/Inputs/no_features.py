"""Kernels of open extents, called without features and with one: the weights of the latter are equal, the outputs of the former 0."""
import pathlib
import sys

import numpy as np
import weir

HEADS, LENGTH = 2, 300
values = np.ones((HEADS, LENGTH, 3), np.float32)
for name, more in (("causal", {}), ("ragged", {"LEN": np.full(HEADS, LENGTH, np.int32)})):
    kernel = weir.load(str(pathlib.Path(sys.argv[1]) / f"{name}.so"))
    for features in (0, 1):
        side = np.ones((HEADS, LENGTH, features), np.float32)
        output = kernel(Q=side, K=side, V=values, **more)["O"]
        assert np.allclose(output, features, atol=1e-5), (name, features, output[0, -1])
    print(f"{name}: all right")
