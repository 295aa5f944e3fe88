"""npy.py FILE SHAPE [TYPE [NUMBERS...]]: writes numbers (0, 1, 2, ... by default) as .npy; npy.py FILE prints type, shape, numbers."""
import io
import sys

import numpy as np

if len(sys.argv) == 2:
    array = np.load(io.BytesIO(sys.stdin.buffer.read()) if sys.argv[1] == "-" else sys.argv[1])
    print(array.dtype, array.shape, *array.ravel().tolist())
else:
    shape = eval(sys.argv[2])
    kind = sys.argv[3] if len(sys.argv) > 3 else "f4"
    numbers = np.array(sys.argv[4:], float) if len(sys.argv) > 4 else np.arange(np.prod(shape))
    np.save(sys.stdout.buffer if sys.argv[1] == "-" else sys.argv[1], numbers.astype(kind).reshape(shape))
