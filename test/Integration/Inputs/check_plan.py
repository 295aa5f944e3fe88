"""Plans from Python: the same values with a plan and without, for other queries, keys and values too; refused where they do not fit."""
import sys

import numpy as np
import weir

planned = weir.load(sys.argv[1])
draw = np.random.default_rng(0)
b, h, m, n = 2, 3, 150, 400
ids = np.sort(draw.integers(0, 9, (b, n)).astype(np.int32), -1)
masks = {"A": ids[:, ::2][:, :m].copy(), "C": ids, "w": 120}


def tensors():
    return {name: draw.standard_normal((b, h, rows, f)).astype(np.float32) for name, rows, f in (("Q", m, 8), ("K", n, 8), ("V", n, 16))}


plan = planned.plan(**tensors(), **masks)
for _ in range(2):
    given = tensors()
    assert np.array_equal(planned(**given, **masks)["O"], planned(**given, **masks, plan=plan)["O"])
try:
    planned(**given, **{**masks, "w": 121}, plan=plan)
except weir.Error as error:
    assert error.code == 16, error
else:
    raise AssertionError("a plan for another param was taken")
print("all right")
