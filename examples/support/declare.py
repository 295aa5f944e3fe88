"""How a reference.py says what it is the reference of, on which shapes, and with which adversity.

    @example("windowed.attn", "windowed", sizes=dict(B=2, H=4, G=2, M=9, N=21, D=16, F=6),
             consts=dict(W=5), params=dict(cap=3.0), also=[dict(M=1, N=30), dict(N=0)])
    def windowed(Q, K, V, W, cap):
        ...
        return O, LSE

The function takes, by name, whichever it likes of the input tensors (float64, or int64 and bool), consts, params and extents, and
returns the outputs in the order of the signature. Ranks and element types of the inputs are read from the .attn file's header.
"""
import dataclasses
import inspect
import pathlib
import re
import types

import numpy as np

from .formulas import round_to

EXAMPLES = []
IDENTITIES = []
REALS = ("f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2")


@dataclasses.dataclass
class Tensor:
    name: str
    dims: list       # as written: ranks, or integer expressions
    dtype: str       # as written, or None for the kernel's

    def shape(self, extents):
        shape = []
        for dim in self.dims:
            value = extents[dim] if dim in extents else eval(dim.replace("/", "//"), {"min": min, "max": max}, extents)
            shape += value if isinstance(value, (tuple, list)) else [value]
        return tuple(int(s) for s in shape)

    def real(self):
        return self.dtype is None or self.dtype in REALS


@dataclasses.dataclass
class Case:
    label: str
    extents: dict    # ranks and consts
    consts: dict     # those passed with -D
    params: dict
    mode: str        # random, equal, huge, tiny
    draw: dict       # special ways to draw a tensor
    seed: int


@dataclasses.dataclass
class Example:
    folder: pathlib.Path
    file: str
    cascade: str
    function: object
    sizes: dict
    consts: dict
    params: dict
    draw: dict
    also: list
    logits: tuple
    huge: float
    tiny: float
    modes: tuple
    lengths: bool
    exact: bool

    @property
    def path(self):
        return self.folder / self.file

    def signature(self):
        return parse_header(self.path.read_text(), self.cascade)

    def cases(self):
        """The base sizes in every mode; lengths 0, 1 and with remainders; then the example's own."""
        rows = [dict(mode=mode) for mode in self.modes]
        if self.lengths:
            for rank in ("M", "N", "T"):
                if rank in self.sizes:
                    rows.append({rank: 1})
            rows.append({rank: 1 for rank in ("M", "N", "T") if rank in self.sizes})
            rows.append({rank: 0 for rank in ("N", "T") if rank in self.sizes})
            rows.append({rank: size for rank, size in (("M", 13), ("N", 37), ("T", 37)) if rank in self.sizes})
        seen = set()
        for seed, row in enumerate(rows + list(self.also)):
            row = dict(row)
            draw = {**self.draw, **row.pop("draw", {})}
            mode = row.pop("mode", "random")
            label = row.pop("label", None) or ", ".join([mode] * (mode != "random") + [f"{k}={v}" for k, v in row.items()]) or "random"
            consts = {k: row.get(k, v) for k, v in self.consts.items()}
            params = {k: row.get(k, v) for k, v in self.params.items()}
            sizes = {k: row.get(k, v) for k, v in self.sizes.items()}
            unknown = set(row) - set(self.consts) - set(self.params) - set(self.sizes)
            assert not unknown, f"{self.path}: case {label} names {unknown}"
            if label not in seen:
                seen.add(label)
                yield Case(label, {**sizes, **consts}, consts, params, mode, draw, seed)

    def inputs(self, case, dtype):
        """The case's tensors, rounded to what a kernel of this dtype reads."""
        rng = np.random.default_rng([case.seed, len(self.cascade)])
        space = types.SimpleNamespace(**case.extents)
        values = {}
        for tensor in self.signature()[0]:
            shape = tensor.shape(case.extents)
            if tensor.name in case.draw:
                value = np.asarray(case.draw[tensor.name](rng, space))
                assert value.shape == shape, f"{self.path}: {tensor.name} drawn as {value.shape}, declared as {shape}"
            elif tensor.dtype == "bool":
                value = rng.random(shape) < 0.6
            else:
                assert tensor.real(), f"{self.path}: say how to draw the integers of {tensor.name}"
                value = np.full(shape, 0.5) if case.mode == "equal" else rng.standard_normal(shape)
                if tensor.name in self.logits and case.mode in ("huge", "tiny"):
                    value = value * (self.huge if case.mode == "huge" else self.tiny)
            if tensor.real():
                value = round_to(value.astype(np.float64), tensor.dtype or dtype)
            elif tensor.dtype != "bool":
                value = value.astype(np.int64)
            values[tensor.name] = value
        return values

    def reference(self, inputs, case):
        names = {**case.extents, **case.params, **inputs}
        wanted = inspect.signature(self.function).parameters
        results = self.function(**{name: names[name] for name in wanted})
        return results if isinstance(results, tuple) else (results,)


def split(text):
    """Splits at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for at, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


def parse_header(text, cascade):
    """(inputs, outputs) of a cascade's signature."""
    text = re.sub(r"//[^\n]*", "", text)
    head = re.search(rf"\bcascade\s+{cascade}\s*\((.*?)\{{", text, re.S)
    assert head, f"no cascade {cascade}"
    left, right = re.split(r"\)\s*->\s*", head.group(1), maxsplit=1)
    right = right.strip()
    right = right[1:-1] if right.startswith("(") else right

    def tensors(part):
        found = []
        for item in split(part):
            match = re.fullmatch(r"(\w+)\s*(?::\s*(\w+)\s*)?\[(.*)\]", item, re.S)
            assert match, f"cannot read {item!r}"
            found.append(Tensor(match.group(1), split(match.group(3)), match.group(2)))
        return found
    return tensors(left), tensors(right)


def example(file, cascade, *, sizes, consts={}, params={}, draw={}, also=(), logits=("Q", "K"), huge=30.0, tiny=2.0 ** -20,
            modes=("random", "equal", "huge", "tiny"), lengths=True, exact=False):
    """Declares the decorated function as the reference of one cascade.

    sizes: extents of the ranks. consts, params: values given with -D and --set. draw: name -> function(rng, sizes) for tensors that
    are not plain normal numbers. also: further cases, each a dict of sizes, consts, params, `mode`, `draw`, `label` that replace the
    base's. logits: the tensors that modes huge and tiny scale. lengths: add lengths 0, 1 and remainders of M, N and T.
    exact: the real inputs are small integers (over 2), so that equal scores are equal in every arithmetic: for selection.
    """
    def register(function):
        folder = pathlib.Path(inspect.getfile(function)).parent
        drawn = dict(draw)
        if exact:
            for name in exact if isinstance(exact, tuple) else ("Q", "K"):
                tensor = next(t for t in parse_header((folder / file).read_text(), cascade)[0] if t.name == name)
                drawn.setdefault(name, lambda rng, s, t=tensor: rng.integers(-3, 4, t.shape(vars(s))) / 2)
        EXAMPLES.append(Example(folder, file, cascade, function, dict(sizes), dict(consts), dict(params), drawn,
                                list(also), logits, huge, tiny, modes, lengths, bool(exact)))
        return function
    return register


def identity(function):
    """Declares function(rng) -> (left, right), two float64 results that mathematics makes equal."""
    IDENTITIES.append((pathlib.Path(inspect.getfile(function)).parent.name, function))
    return function
