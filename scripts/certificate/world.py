"""Small extents and random inputs, in which trees are evaluated."""
import itertools
import math
import random

import mpmath as mp

from .arithmetic import ABSENT, NAN, is_nan
from .evaluate import true
from .trees import Malformed, walk


class NoWorld(Exception):
    """No inputs were found that keep what the cascade is promised."""


def units(cascade):
    """Of each rank that is divided into blocks by number, their size: extents are drawn as multiples of it."""
    found = {}
    for tree in [tree for tree in cascade.ranks.values() if tree] + cascade.given:
        for node in walk(tree):
            if node[0] in ("fdiv", "mod") and node[1][0] == "ext" and node[2][0] == "num":
                rank, size = cascade.resolve(node[1][1]), int(node[2][1]["num"])
                if node[2][1]["den"] == 1 and 1 < size <= 64:
                    found[rank] = math.lcm(found.get(rank, 1), size)
    return {rank: size for rank, size in found.items() if size <= 128}


class World:
    """One setting of extents, params and inputs. `streamed` is the extent of `rank`, in blocks where the cascade divides it into some;
    `room` the most blocks of a rank, and `some` what open extents are drawn from."""

    def __init__(self, cascade, seed, rank=None, streamed=None, room=2, some=(1, 2, 2, 3, 3)):
        self.cascade, self.room, self.units = cascade, room, units(cascade)
        self.defined = {}  # accumulators: name -> function of the indices
        for attempt in range(300):
            self.seed = f"{seed}/{attempt}"
            self.sparse = seed % 2 == 1  # half of the worlds have rows of zeros in their integer inputs
            self.some = some if attempt < 100 else range(1, 13)
            self.extents, self.redrawn = {}, {}
            self.forget()
            if streamed is not None:
                unit = self.units.get(rank, 1)
                self.extents[rank] = streamed if unit == 1 else unit * min(streamed, room)
            self.params = {name: self.draw(name, param["type"], (0.2, 1.5)) for name, param in cascade.params.items()}
            if all(map(self.mend, cascade.given)) and self.keeps_all():
                return
        raise NoWorld("no small inputs were found that keep what `given` promises")

    def forget(self):
        """What has been computed of inputs that are no longer the same."""
        self.memo, self.declared, self.reduced = {}, {}, {}

    def keeps_all(self):
        return all(self.keeps(tree, {}) for tree in self.cascade.given)

    def keeps(self, tree, env):
        value = self.value(tree, env)
        return value is ABSENT or true(value)

    def mend(self, tree):
        """Redraws elements that a promise reads until it holds everywhere; false where that does not help."""
        names, body = (tree[2], tree[4]) if tree[:2] == ["red", "all"] and tree[3] is None else ([], tree)
        for at in list(self.coordinates(names)):
            env = dict(zip(names, at))
            for attempt in range(100):
                if self.keeps(body, env):
                    break
                read = [(node[1], self.indices(node[2], env)) for node in walk(body)
                        if node[0] == "read" and node[1] in self.cascade.inputs]
                if not read or attempt == 99:
                    return False
                again = read[attempt % len(read)]
                self.redrawn[again] = self.redrawn.get(again, 0) + 1
                self.forget()
        return True

    def indices(self, trees, env):
        values = [self.value(tree, env) for tree in trees]
        return tuple(-1 if x is ABSENT or is_nan(x) or not mp.isfinite(x) else int(x) for x in values)

    def random(self, what):
        """A generator of its own for every thing drawn, so that no value depends on the order of evaluation."""
        return random.Random(f"{self.seed}/{what}")

    def draw(self, what, kind, bounds=(-1.5, 1.5), zero=False):
        """A value of an element type. Integers are small: they serve as masks, labels and coordinates."""
        generator = self.random(what)
        if kind in ("bool", "i1"):
            return generator.random() < 0.5
        if kind[0] in "iu":
            return 0 if self.sparse and zero else generator.randint(0, 1 if self.sparse else 2)
        return mp.mpf(generator.uniform(*bounds))

    def extent(self, rank):
        """A rank's extent: declared, or drawn once."""
        if not isinstance(rank, str):
            return int(self.value(rank, {}))
        if rank in self.declared:
            return self.declared[rank]
        declared = self.cascade.ranks.get(rank)
        if declared and declared != ["ext", rank]:
            value = self.value(declared, {})
            self.declared[rank] = 0 if value is ABSENT or is_nan(value) else max(0, int(value))
            return self.declared[rank]
        if rank not in self.extents:
            unit = self.units.get(rank, 1)
            few = self.room if self.room > 2 else self.random(rank).choice([1, 1, 1, 2])
            self.extents[rank] = self.random(rank).choice(self.some) if unit == 1 else unit * few
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
        redrawn = self.redrawn.get((name, at), 0)
        return self.draw((name, at, redrawn), self.cascade.inputs[name]["type"], zero=bool(at) and at[0] == 0 and not redrawn)

    def element(self, equation, at):
        if len(at) != len(equation["idx"]):
            raise Malformed(f"{equation['name']} is read with {len(at)} indices")
        if any(i < 0 or i >= self.extent(self.cascade.rank_of(c)) for i, c in zip(at, equation["idx"])):
            return ABSENT
        env = dict(zip(equation["idx"], at))
        if equation["where"] != ["true"]:
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
        return self.cascade.code.of(tree)(self, env)
