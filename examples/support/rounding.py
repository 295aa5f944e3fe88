"""How far a correct kernel may be from the reference: the reference itself, run with rounding noise.

A kernel computes in f32 (unit roundoff u = 2^-24; f64: 2^-53) in an order that nobody promises, and rounds its outputs to their
type. What that can do to a result depends on sizes, magnitudes, cancellation and feedback. It is measured, not guessed: the same
NumPy function runs on arrays whose every operation moves its result by a random part of the worst that rounding may do to this one
operation, with g = 1 for + - * / sqrt, 4 for elementary functions (the largest error in ulp that Weir's state), and for a sum of n
terms g*|result| replaced by n * sum |terms| (any order of summation; Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
Results that every order gives exactly (sums and products of small integers) do not move. This is Monte Carlo arithmetic (Parker
1997) with a worst-case amplitude. With the root mean square r of SAMPLES such runs' distances from the plain run,

    |got - expected| <= FACTOR * r + u_out * |expected| + 2^-126

is required of every element, u_out being the unit roundoff of the output's type and 2^-126 the size below which f32 may flush.
FACTOR = 8 covers the spread of one run about the root mean square and the few roundings that a rewrite adds. Integers and bools
must be equal wherever all the runs agree.
"""
import numpy as np

SAMPLES = 8
FACTOR = 8.0
UNIT = {"f64": 2.0 ** -53, "f32": 2.0 ** -24, "f16": 2.0 ** -11, "bf16": 2.0 ** -8, "f8e4m3": 2.0 ** -4, "f8e5m2": 2.0 ** -3}
TINY = 2.0 ** -126

EXACT = {np.maximum, np.minimum, np.fmax, np.fmin, np.negative, np.positive, np.absolute, np.sign, np.floor, np.ceil, np.rint,
         np.trunc, np.copysign, np.mod, np.remainder, np.floor_divide}
ROUNDED = {np.add, np.subtract, np.multiply, np.divide, np.sqrt, np.square, np.reciprocal}


def plain(x):
    return x.view(np.ndarray) if isinstance(x, np.ndarray) else x


def summable(terms, total):
    """Whether every order of summation gives the exact result: multiples of 2^-10 whose sum of magnitudes is below 2^14."""
    scaled = np.asarray(terms) * 1024.0
    return bool(np.all(scaled == np.rint(scaled))) and bool(np.all(total * 1024.0 < 2.0 ** 24))


class Noisy(np.ndarray):
    """A float64 array whose operations move their results at random, by at most what rounding may do."""
    __array_priority__ = 100
    rng = None
    unit = UNIT["f32"]

    def __getitem__(self, index):
        return noisy(super().__getitem__(index))

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kw):
        args = [plain(x) for x in inputs]
        if out is not None:
            kw["out"] = tuple(plain(x) for x in out)
        result = getattr(ufunc, method)(*args, **kw)
        if not (isinstance(result, (np.ndarray, np.floating)) and result.dtype.kind == "f"):
            return result
        size = amplitude(ufunc, method, args, {k: v for k, v in kw.items() if k not in ("out", "where")}, result)
        moved = move(result, size)
        if out is not None and isinstance(result, np.ndarray):
            result[...] = moved
            return out[0]
        return noisy(moved)

    def __array_function__(self, func, types, args, kwargs):
        if func is np.einsum:
            return einsum(*args, **kwargs)
        result = super().__array_function__(func, types, args, kwargs)
        return noisy(result) if isinstance(result, np.ndarray) and result.dtype.kind == "f" else result


def noisy(x):
    if isinstance(x, Noisy) or not (isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind == "f"):
        return x
    return np.asarray(x).view(Noisy)


def move(result, size):
    result = np.asarray(result)
    fine = np.isfinite(result) & np.isfinite(size) & (result != 0) | (np.isfinite(size) & (np.asarray(size) > 2 * TINY))
    return np.where(fine, result + np.where(fine, size, 0) * Noisy.rng.uniform(-1, 1, result.shape), result)


def amplitude(ufunc, method, args, kw, result):
    """The most that rounding may move this operation's result, element by element."""
    u = Noisy.unit
    if ufunc in EXACT:
        return np.zeros(np.shape(result))
    if ufunc is np.matmul:
        return contraction(np.abs(args[0]) @ np.abs(args[1]), np.shape(args[0])[-1], args)
    if method in ("reduce", "accumulate"):
        if ufunc is np.add:
            total = getattr(np.add, method)(np.abs(args[0]), **kw)
            n = max(1, np.size(args[0]) // max(1, np.size(result))) if method == "reduce" else np.shape(args[0])[kw.get("axis", 0)]
            return np.zeros(np.shape(result)) if summable(args[0], total) else n * u * total + TINY
        n = max(1, np.size(args[0]) // max(1, np.size(result)))
        return max(n, 4) * u * np.abs(result) + TINY
    if ufunc in ROUNDED:
        with np.errstate(over="ignore"):
            exact = np.asarray(result).astype(np.float32) == result
        return np.where(exact, 0, u * np.abs(result) + TINY)
    if ufunc is np.power and np.ndim(args[1]) == 0 and float(args[1]).is_integer():
        return abs(float(args[1])) * u * np.abs(result) + TINY
    return 4 * u * np.abs(result) + TINY


def contraction(total, terms, operands):
    exact = all(summable(x, np.abs(x)) for x in operands) and np.all(total < 2.0 ** 10)
    return np.zeros(np.shape(total)) if exact else (terms + len(operands)) * Noisy.unit * total + TINY


def einsum(spec, *operands, **kw):
    operands = [plain(np.asarray(x)) for x in operands]
    with np.errstate(invalid="ignore"):
        result = np.einsum(spec, *operands, **kw)
        total = np.einsum(spec, *[np.abs(x) for x in operands], **kw)
    left, _, right = spec.replace("...", "").replace(" ", "").partition("->")
    extents = {}
    for names, x in zip(left.split(","), operands):
        extents.update(zip(names, x.shape[x.ndim - len(names):]))
    terms = 1
    for name in set(extents) - set(right):
        terms *= max(1, extents[name])
    return noisy(move(result, contraction(total, terms, operands)))


def bounds(example, inputs, case, dtype):
    """(expected, allowed distance) of every output; for integers and bools, allowed is 0 where all runs agree and infinite elsewhere."""
    outputs = example.signature()[1]
    with np.errstate(all="ignore"):
        expected = [np.asarray(plain(np.asarray(x))) for x in example.reference(inputs, case)]
        Noisy.rng = np.random.default_rng(case.seed + 1)
        Noisy.unit = UNIT["f64" if dtype == "f64" else "f32"]
        squares = [np.zeros(x.shape) for x in expected]
        for _ in range(SAMPLES):
            moved = {name: noisy(x.copy()) if x.dtype.kind == "f" else x for name, x in inputs.items()}
            for at, x in enumerate(example.reference(moved, case)):
                x = plain(np.asarray(x))
                if outputs[at].real():
                    same = (x == expected[at]) | (np.isnan(x) & np.isnan(expected[at]))
                    squares[at] += np.where(same, 0, (x - expected[at]) ** 2)
                else:
                    squares[at] += np.where(x == expected[at], 0, np.inf)
    allowed = []
    for tensor, value, square in zip(outputs, expected, squares):
        if tensor.real():
            unit = UNIT[tensor.dtype or dtype]
            allowed.append(FACTOR * np.sqrt(square / SAMPLES) * (1 + unit) + unit * np.abs(value) + TINY)
        else:
            allowed.append(square)
    return expected, allowed
