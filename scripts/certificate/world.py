"""Small extents and random inputs, in which trees are evaluated scalar by scalar under the rules of absence."""
import itertools
import random

import mpmath as mp

from . import arithmetic as real
from .arithmetic import ABSENT, NAN, is_nan
from .trees import Malformed, children


class NoWorld(Exception):
    """No inputs were found that keep what the cascade is promised."""


def true(value):
    return value is not ABSENT and not is_nan(value) and bool(value)


class World:
    """One setting of extents, params and inputs. `streamed` is the extent of the rank, or None for a small one."""

    def __init__(self, cascade, seed, rank=None, streamed=None):
        self.cascade = cascade
        self.defined = {}  # accumulators: name -> function of the indices
        for attempt in range(300):
            self.seed = f"{seed}/{attempt}"
            self.sparse = seed % 2 == 1  # half of the worlds have rows of zeros in their integer inputs
            self.memo, self.extents = {}, {}
            if streamed is not None:
                self.extents[rank] = streamed
            self.params = {name: self.draw(name, param["type"], (0.2, 1.5)) for name, param in cascade.params.items()}
            if all(self.keeps(tree) for tree in cascade.given):
                return
        raise NoWorld("no small inputs were found that keep what `given` promises")

    def keeps(self, tree):
        value = self.value(tree, {})
        return value is ABSENT or (not is_nan(value) and bool(value))

    def random(self, what):
        """A generator of its own for every thing drawn, so that no value depends on the order of evaluation."""
        return random.Random(f"{self.seed}/{what}")

    def draw(self, what, kind, bounds=(-1.5, 1.5), zero=False):
        """A value of an element type. Integers are small: they serve as masks, labels and coordinates."""
        generator = self.random(what)
        if kind in ("bool", "i1"):
            return generator.random() < 0.5
        if kind[0] in "iu":
            return mp.mpf(0 if self.sparse and zero else generator.randint(0, 1 if self.sparse else 2))
        return mp.mpf(generator.uniform(*bounds))

    def extent(self, rank):
        """A rank's extent: declared, or drawn once."""
        if not isinstance(rank, str):
            return int(self.value(rank, {}))
        declared = self.cascade.ranks.get(rank)
        if declared and declared != ["ext", rank]:
            value = self.value(declared, {})
            return 0 if value is ABSENT or is_nan(value) else max(0, int(value))
        if rank not in self.extents:
            self.extents[rank] = self.random(rank).choice([1, 2, 2, 3, 3])
        return self.extents[rank]

    def range_of(self, coordinate):
        return range(self.extent(self.cascade.rank_of(coordinate)))

    def coordinates(self, names):
        return itertools.product(*[self.range_of(name) for name in names])

    def tensor(self, name, at):
        """The element of an input, a tensor of the cascade, or an accumulator."""
        key = (name, at)
        if key in self.memo:
            return self.memo[key]
        if name in self.defined:
            value = self.defined[name](at)
        elif name in self.cascade.inputs:
            value = self.input(name, at)
        elif name in self.cascade.equations:
            value = self.element(self.cascade.equations[name], at)
        else:
            raise Malformed(f"nothing defines {name}")
        self.memo[key] = value
        return value

    def input(self, name, at):
        ranks = self.cascade.ranks_of(name)
        if len(at) != len(ranks):
            raise Malformed(f"{name} is read with {len(at)} indices")
        if any(i < 0 or i >= self.extent(rank) for i, rank in zip(at, ranks)):
            return ABSENT
        return self.draw((name, at), self.cascade.inputs[name]["type"], zero=bool(at) and at[0] == 0)

    def element(self, equation, at):
        if len(at) != len(equation["idx"]):
            raise Malformed(f"{equation['name']} is read with {len(at)} indices")
        if any(i < 0 or i >= self.extent(self.cascade.rank_of(c)) for i, c in zip(at, equation["idx"])):
            return ABSENT
        env = dict(zip(equation["idx"], at))
        where = self.value(equation["where"], env)
        if is_nan(where):
            return NAN
        if not true(where):
            return ABSENT
        if equation["expr"][0] == "red" and equation["expr"][1] in ("argtopk", "argsort"):
            return self.listed(equation["expr"], env, at[-1])
        return self.value(equation["expr"], env)

    def listed(self, tree, env, entry):
        """Entry `entry` of a selection: the coordinate of the largest value, the next one, and so on."""
        found = []
        for i in self.range_of(tree[2][0]):
            inner = {**env, tree[2][0]: i}
            if tree[3] is None or true(self.value(tree[3], inner)):
                value = self.value(tree[4], inner)
                if is_nan(value):
                    return NAN
                if value is not ABSENT:
                    found.append((-value, i))
        found.sort()
        return mp.mpf(found[entry][1]) if entry < len(found) else ABSENT

    def value(self, tree, env):
        """The value of a tree; coordinates are looked up in env, and params that env has as `#name`."""
        special = SPECIAL.get(tree[0])
        if special:
            return special(self, tree, env)
        operation = real.COMPARE[tree[1]] if tree[0] == "cmp" else real.ARITHMETIC.get(tree[0])
        return strict(operation, tree[0], [self.value(child, env) for child in children(tree)])


def read(world, tree, env):
    indices = [world.value(index, env) for index in tree[2]]
    if any(index is ABSENT for index in indices):
        return ABSENT
    if any(is_nan(index) for index in indices):
        return NAN
    if not all(mp.isfinite(index) for index in indices):
        return ABSENT
    return world.tensor(tree[1], tuple(int(index) for index in indices))


def param(world, tree, env):
    name = tree[1]
    if "#" + name in env:
        return env["#" + name]
    if name not in world.params:
        raise Malformed(f"there is no param {name}")
    return world.params[name]


def coordinate(world, tree, env):
    if tree[1] not in env:
        raise Malformed(f"the coordinate {tree[1]} is not bound")
    return mp.mpf(env[tree[1]])


def otherwise(world, tree, env):
    first = world.value(tree[1], env)
    return world.value(tree[2], env) if first is ABSENT else first


def select(world, tree, env):
    condition = world.value(tree[1], env)
    return NAN if is_nan(condition) else world.value(tree[2] if true(condition) else tree[3], env)


def negate(world, tree, env):
    value = world.value(tree[1], env)
    return NAN if is_nan(value) else not true(value)


def restrict(world, tree, env):
    condition = world.value(tree[2], env)
    return NAN if is_nan(condition) else world.value(tree[1], env) if true(condition) else ABSENT


def connect(world, tree, env):
    """`and`, `or`: one present operand may decide."""
    decisive, unknown, missing = tree[0] == "or", False, False
    for child in tree[1:]:
        value = world.value(child, env)
        if is_nan(value):
            unknown = True
        elif value is ABSENT:
            missing = True
        elif bool(value) == decisive:
            return decisive
    return NAN if unknown else ABSENT if missing else not decisive


def reduction(world, tree, env):
    op, names, predicate, body = tree[1:]
    found = []
    for at in world.coordinates(names):
        inner = {**env, **dict(zip(names, at))}
        if predicate is not None:
            condition = world.value(predicate, inner)
            if is_nan(condition):
                return NAN
            if not true(condition):
                continue
        value = world.value(body, inner)
        if value is not ABSENT:
            found.append((value, at[0]))
    try:
        return real.reduce(op, found)
    except KeyError:
        raise Malformed(f"nothing is known of the reduction {op}") from None


def function(world, tree, env):
    if tree[1] == "isabsent":
        return world.value(tree[2][0], env) is ABSENT
    return strict(real.function_of(tree[1]), tree[1], [world.value(child, env) for child in tree[2]])


def strict(operation, name, operands):
    """An operation that is absent where an operand is."""
    if operation is None:
        raise Malformed(f"nothing is known of {name}")
    if any(x is ABSENT for x in operands):
        return ABSENT
    return NAN if any(is_nan(x) for x in operands) else operation(*operands)


SPECIAL = {"num": lambda world, tree, env: real.number(tree[1]), "true": lambda *_: True, "false": lambda *_: False,
           "coord": coordinate, "ext": lambda world, tree, env: mp.mpf(world.extent(tree[1])), "param": param,
           "read": read, "else": otherwise, "sel": select, "not": negate, "where": restrict, "and": connect,
           "or": connect, "red": reduction, "fn": function}
