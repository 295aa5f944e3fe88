"""Real arithmetic in 40 digits. NaN stands for "there is no real value here": x/0, log(-1), infinity minus infinity."""
import mpmath as mp

mp.mp.dps = 40
ABSENT = None
NAN = mp.nan
LARGE = mp.mpf(10) ** 30
DIGITS = mp.mpf(10) ** 20


def is_nan(value):
    return isinstance(value, mp.mpf) and value._mpf_ == NAN._mpf_


def number(q):
    """The rational of a literal; a denominator of 0 is an infinity."""
    num, den = int(q["num"]), int(q["den"])
    if den == 1:
        return num
    return mp.mpf(num) / den if den else mp.inf * num


def guarded(function):
    """What has no real value, or only a complex one, becomes NaN."""
    def call(*arguments):
        try:
            result = function(*arguments)
        except (ValueError, ZeroDivisionError, OverflowError):
            return NAN
        return NAN if isinstance(result, mp.mpc) else result
    return call


def add(*terms):
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    largest = max(map(abs, terms))
    # The digits kept cannot tell a sum that cancels from 0: no value to compare.
    lost = largest > DIGITS and mp.isfinite(largest) and abs(total) < largest / DIGITS
    return NAN if lost else total


def mul(*factors):
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def exp(x):
    return mp.exp(x) if abs(x) < 10 ** 7 else mp.inf if x > 0 else mp.mpf(0)


def expmul(m, x):
    """m * exp(x), and 0 where m is 0 whatever x is."""
    return mp.mpf(0) if m == 0 else m * exp(x)


def power(a, b):
    if b == int(b) and abs(b) < 64 and (a != 0 or b >= 0):
        return mp.power(a, int(b))
    return NAN if a <= 0 else mp.power(a, b)


def log(x):
    return -mp.inf if x == 0 else mp.log(x) if x > 0 else NAN


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return x if x > 10 ** 6 else mp.log(1 + exp(x))


def top(*values):
    return min(max(max(values), -LARGE), LARGE)


def bits(function):
    return lambda a, b: mp.mpf(function(int(a), int(b)))


def floordiv(a, b):
    if b == 0:
        return ABSENT
    return a // b if type(a) is type(b) is int else mp.floor(mp.mpf(a) / b)


def modulo(a, b):
    if b == 0:
        return ABSENT
    return a % abs(b) if type(a) is type(b) is int else a - abs(b) * mp.floor(mp.mpf(a) / abs(b))


def written_power(a, b):
    """A power whose exponent is no literal: of a negative base it has no value."""
    return power(a, b) if a > 0 or a == 0 and b >= 0 else NAN


def function_of(name):
    """The function of that name; None for an unknown one. Conversions to a real type do not round: values are real."""
    if not name.startswith("as "):
        return FUNCTIONS.get(name)
    kind = name[3:]
    if kind[0] not in "iu" or kind == "i1":
        return guarded(lambda x: x if isinstance(x, bool) else mp.mpf(x))
    width, signed = int(kind.lstrip("ui")), kind[0] == "i"
    low, high = (-2 ** (width - 1), 2 ** (width - 1) - 1) if signed else (0, 2 ** width - 1)
    return guarded(lambda x: mp.mpf(min(max(int(x), low), high)))


FUNCTIONS = {name: guarded(function) for name, function in {
    "exp": exp, "exp2": lambda x: exp(x * mp.log(2)), "expmul": expmul, "log": log,
    "log2": lambda x: log(x) / mp.log(2), "top": top, "sqrt": mp.sqrt, "rsqrt": lambda x: 1 / mp.sqrt(x),
    "tanh": mp.tanh, "sigmoid": sigmoid, "softplus": softplus, "erf": mp.erf, "sin": mp.sin, "cos": mp.cos,
    "atan2": mp.atan2, "pow": written_power, "abs": abs, "sign": mp.sign, "floor": mp.floor, "ceil": mp.ceil, "round": mp.nint,
    "relu": lambda x: max(x, mp.mpf(0)), "gelu": lambda x: x * (1 + mp.erf(x / mp.sqrt(2))) / 2,
    "silu": lambda x: x * sigmoid(x), "max": lambda *x: max(x), "min": lambda *x: min(x),
    "real": lambda x: mp.mpf(x), "integer": lambda x: mp.mpf(int(x)),
    "bitand": bits(lambda a, b: a & b), "bitor": bits(lambda a, b: a | b), "bitxor": bits(lambda a, b: a ^ b),
    "shl": bits(lambda a, b: a << b), "shr": bits(lambda a, b: a >> b)}.items()}

ARITHMETIC = {kind: guarded(function) for kind, function in {
    "add": add, "mul": mul, "neg": lambda a: -a, "pow": power,
    "div": lambda a, b: mp.mpf(a) / b if b != 0 else NAN, "fdiv": floordiv, "mod": modulo}.items()}

COMPARE = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
           ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}


def reduce(op, found):
    """The reduction of (value, first coordinate) pairs, all present."""
    values = [value for value, _ in found]
    if op == "count":
        return mp.mpf(sum(1 for value in values if value is not False))
    if any(is_nan(value) for value in values):
        return NAN
    if op in ("any", "all"):
        return any(values) if op == "any" else all(values)
    if not values:
        return ABSENT
    if op in ("argmax", "argmin"):
        best = max(values) if op == "argmax" else min(values)
        return mp.mpf(min(at for value, at in found if value == best))
    if op == "mean":
        return mp.fsum(values) / len(values)
    return {"sum": mp.fsum, "prod": mp.fprod, "max": max, "min": min}[op](values)


def same(a, b):
    """Whether two values agree to 25 digits, or are both absent."""
    if a is ABSENT or b is ABSENT:
        return a is b
    if isinstance(a, bool) or isinstance(b, bool):
        return not is_nan(a) and not is_nan(b) and bool(a) == bool(b)
    return bool(a == b or abs(a - b) <= mp.mpf(10) ** -25 * max(1, abs(a), abs(b)))


def show(value):
    return "absent" if value is ABSENT else str(value) if isinstance(value, bool) else mp.nstr(value, 8)
