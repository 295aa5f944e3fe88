"""Trees made functions of a world and of the coordinates at hand, which evaluate them scalar by scalar under the rules of absence.

Values are Python integers, numbers of mpmath, bools, ABSENT or NAN. The coordinates at hand are a dict, which may also hold params, as
`#name`.
"""
import mpmath as mp

from . import arithmetic as real
from .arithmetic import ABSENT, NAN, is_nan
from .trees import Malformed, children, free, walk


def true(value):
    return value is not ABSENT and not is_nan(value) and bool(value)


class Code:
    """The functions of the trees of one cascade and of what is checked against it, each made once."""

    def __init__(self):
        self.known = {}  # by id; the tree is kept beside its function, so that no other one gets its id

    def of(self, tree):
        entry = self.known.get(id(tree))
        if entry is None:
            entry = self.known[id(tree)] = (tree, self.make(tree))
        return entry[1]

    def make(self, tree):
        special = SPECIAL.get(tree[0])
        if special:
            return special(self, tree)
        operation = real.COMPARE[tree[1]] if tree[0] == "cmp" else real.ARITHMETIC.get(tree[0])
        return strict(operation, tree[0], [self.of(child) for child in children(tree)])


def constant(value):
    return lambda world, env: value


def strict(operation, name, operands):
    """An operation that is absent where an operand is."""
    if operation is None:
        raise Malformed(f"nothing is known of {name}")

    def apply(world, env):
        values, wrong = [], False
        for operand in operands:
            value = operand(world, env)
            if value is ABSENT:
                return ABSENT
            wrong = wrong or is_nan(value)
            values.append(value)
        return NAN if wrong else operation(*values)
    return apply


def read(code, tree):
    name, indices = tree[1], [code.of(index) for index in tree[2]]

    def element(world, env):
        at, wrong, outside = [], False, False
        for index in indices:
            value = index(world, env)
            if value is ABSENT:
                return ABSENT
            if type(value) is not int:
                wrong = wrong or is_nan(value)
                outside = outside or not mp.isfinite(value)
                value = 0 if wrong or outside else int(value)
            at.append(value)
        return NAN if wrong else ABSENT if outside else world.tensor(name, tuple(at))
    return element


def param(code, tree):
    name = tree[1]

    def value(world, env):
        if "#" + name in env:
            return env["#" + name]
        if name not in world.params:
            raise Malformed(f"there is no param {name}")
        return world.params[name]
    return value


def coordinate(code, tree):
    name = tree[1]

    def value(world, env):
        if name not in env:
            raise Malformed(f"the coordinate {name} is not bound")
        return env[name]
    return value


def otherwise(code, tree):
    first, second = code.of(tree[1]), code.of(tree[2])

    def value(world, env):
        found = first(world, env)
        return second(world, env) if found is ABSENT else found
    return value


def select(code, tree):
    condition, yes, no = map(code.of, tree[1:])

    def value(world, env):
        chosen = condition(world, env)
        return NAN if is_nan(chosen) else (yes if true(chosen) else no)(world, env)
    return value


def negate(code, tree):
    operand = code.of(tree[1])

    def value(world, env):
        found = operand(world, env)
        return NAN if is_nan(found) else not true(found)
    return value


def restrict(code, tree):
    restricted, condition = code.of(tree[1]), code.of(tree[2])

    def value(world, env):
        there = condition(world, env)
        return NAN if is_nan(there) else restricted(world, env) if true(there) else ABSENT
    return value


def connect(code, tree):
    """`and`, `or`: one present operand may decide."""
    decisive, operands = tree[0] == "or", [code.of(child) for child in tree[1:]]

    def value(world, env):
        unknown, missing = False, False
        for operand in operands:
            found = operand(world, env)
            if is_nan(found):
                unknown = True
            elif found is ABSENT:
                missing = True
            elif bool(found) == decisive:
                return decisive
        return NAN if unknown else ABSENT if missing else not decisive
    return value


def reduction(code, tree):
    """A reduction, computed once a world for each setting of what it depends on."""
    op, names, predicate, body = tree[1], tree[2], tree[3] and code.of(tree[3]), code.of(tree[4])
    settings = sorted(free(tree) | {"#" + node[1] for node in walk(tree) if node[0] == "param"})

    def over(world, env):
        found, inner = [], dict(env)
        for at in world.coordinates(names):
            inner.update(zip(names, at))
            if predicate is not None:
                condition = predicate(world, inner)
                if is_nan(condition):
                    return NAN
                if not true(condition):
                    continue
            value = body(world, inner)
            if value is not ABSENT:
                found.append((value, at[0]))
        try:
            return real.reduce(op, found)
        except KeyError:
            raise Malformed(f"nothing is known of the reduction {op}") from None

    def value(world, env):
        at = (id(tree), *map(env.get, settings))
        if at not in world.reduced:
            world.reduced[at] = over(world, env)
        return world.reduced[at]
    return value


def function(code, tree):
    operands = [code.of(child) for child in tree[2]]
    if tree[1] == "isabsent":
        return lambda world, env: operands[0](world, env) is ABSENT
    return strict(real.function_of(tree[1]), tree[1], operands)


SPECIAL = {"num": lambda code, tree: constant(real.number(tree[1])), "true": lambda code, tree: constant(True),
           "false": lambda code, tree: constant(False), "coord": coordinate, "param": param, "read": read,
           "ext": lambda code, tree: lambda world, env: world.extent(tree[1]), "else": otherwise, "sel": select,
           "not": negate, "where": restrict, "and": connect, "or": connect, "red": reduction, "fn": function}
