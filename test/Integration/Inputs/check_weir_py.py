"""weir.py on the kernel `scale` (argument 1) and on `types` (argument 2)."""
import sys
import threading

import numpy as np

import weir

scale = weir.load(sys.argv[1])
x = np.arange(12, dtype=np.float32).reshape(3, 4)
w = np.arange(4, dtype=np.float32) + 100


def check(result, x, factor=2.0):
    y = np.float32(factor) * x + w
    assert np.array_equal(result["Y"], y), result["Y"]
    assert np.array_equal(result["Z"], y.sum(1)), result["Z"]


def raises(kind, text, function):
    try:
        function()
    except kind as error:
        assert text in str(error), error
        return error
    raise AssertionError(f"nothing raised, expected {text}")


check(scale(X=x, W=w), x)
check(scale(X=x, W=w, a=0.5, k=3, flip=True, threads=2), x, -1.5)
check(scale(X=x.tolist(), W=list(w)), x)
check(scale(X=x.astype(np.float16), W=w), x)
check(scale(X=np.asfortranarray(x), W=w), x)
check(scale(X=x[::-1, ::-1], W=w), x[::-1, ::-1])
check(scale(X=x.astype(">f4"), W=w), x)
wide = np.full((3, 8), -1, np.float32)
z = np.zeros(3, np.float32)
result = scale(X=x, W=w, out={"Y": wide[:, ::2], "Z": z})
check({"Y": wide[:, ::2], "Z": z}, x)
assert result["Z"] is z and (wide[:, 1::2] == -1).all()
assert scale(X=np.zeros((0, 2), np.float32), W=[0, 0])["Z"].shape == (0,)

error = raises(weir.Error, "rank N is 4 in tensor X and 2 in tensor W", lambda: scale(X=x, W=[1, 2]))
assert error.code == 5
raises(weir.Error, "promise: N % 2 == 0", lambda: scale(X=np.zeros((2, 3), np.float32), W=[1, 2, 3]))
raises(weir.Error, "dimensions, expected 2", lambda: scale(X=w, W=w))
raises(TypeError, "has type float64, expected f32", lambda: scale(X=x.astype(float), W=w))
raises(TypeError, "input W is missing", lambda: scale(X=x))
raises(TypeError, "has no b", lambda: scale(X=x, W=w, b=1))
raises(TypeError, "has no output Q", lambda: scale(X=x, W=w, out={"Q": z}))
raises(weir.Error, "shares memory with input X", lambda: scale(X=x, W=w, out={"Y": x}))
raises(ValueError, "holds no Weir kernel called other", lambda: weir.load(sys.argv[1], "other"))
assert "X: f32[M,N]" in repr(scale)


def many():
    for i in range(100):
        check(scale(X=x + i, W=w), x + i)


threads = [threading.Thread(target=many) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]

# Every element type travels: the kernel copies each input to its output.
types = weir.load(sys.argv[2], "types")
values = np.array([[1.0, -2.5, 0.0], [3.0, 448.0, 0.0625]], np.float32)
whole = np.array([[1, -2, 7], [-8, 0, 3]])
given = {"BF": values, "E4": values, "E5": values, "I4": whole.astype(np.int8), "B": whole > 0}
result = types(**given)
assert np.array_equal(weir.decode(result["BFO"], "bf16"), values)
assert np.array_equal(weir.decode(result["E4O"], "f8e4m3"), values)
assert np.array_equal(weir.decode(result["E5O"], "f8e5m2"), np.where(values == 448, 448, values))
assert np.array_equal(result["I4O"], whole) and result["I4O"].dtype == np.int8
assert np.array_equal(result["BO"], whole > 0) and result["BO"].dtype == np.bool_
raw = types(**dict(given, BF=weir.encode(values, "bf16"), E4=weir.encode(values, "f8e4m3")))
assert np.array_equal(raw["BFO"], result["BFO"]) and np.array_equal(raw["E4O"], result["E4O"])

# Rounding to nearest even, against the definition.
for dtype, unsigned in (("bf16", np.uint16), ("f8e4m3", np.uint8), ("f8e5m2", np.uint8)):
    codes = np.arange(1 << (16 if dtype == "bf16" else 8)).astype(unsigned)
    values = weir.decode(codes, dtype)
    finite = np.isfinite(values)
    assert np.array_equal(weir.encode(values[finite], dtype), codes[finite]), dtype
    order = np.sort(np.unique(values[finite & (values > 0)]).astype(np.float64))
    middle = ((order[:-1] + order[1:]) / 2).astype(np.float32)
    exact = middle.astype(np.float64) * 2 == order[:-1] + order[1:]
    assert (weir.encode(middle[exact], dtype) % 2 == 0).all(), dtype
assert weir.encode(np.float32(465), "f8e4m3") == 0x7F and weir.encode(np.float32(464), "f8e4m3") == 0x7E
assert weir.encode(np.float32(61440), "f8e5m2") == 0x7C and weir.encode(np.float32(61439), "f8e5m2") == 0x7B
assert weir.encode(np.float32(-np.inf), "bf16") == 0xFF80 and weir.encode(np.float32(np.nan), "bf16") == 0x7FC0
print("weir.py: all right")
