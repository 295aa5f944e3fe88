"""The obligations that are checked by numbers: every finish and output against its equation, over small extents, in 40 digits.

References are random: a finish that is right for any reference is right for the one that a kernel happens to have.
"""
import random

import mpmath as mp

from . import arithmetic as real
from .arithmetic import ABSENT, NAN, is_nan
from .evaluate import true
from .trees import accumulators_read
from .world import NoWorld, World, units

SEEDS = 8
EXTENTS = (3, 4, 1, 0, 2, 5, 3, 4)  # of the streamed rank, one a seed; 0: every row is empty
ELEMENTS = 24  # of one tensor in one world
FEW, BUDGET = 4, 5000  # the least of them, where a world takes more values than that
CHANGES = (lambda value: value + mp.mpf("0.37"), lambda value: -4 * value - 1)  # of the last coordinate's inputs
FINISH, OUTPUT = "the finish of", "the output"


def element(world, accumulator, rank, reference_noise):
    """The function from indices to an accumulator's value: its definition, taken over the whole rank at once."""
    op, name, body = accumulator["op"], accumulator["name"], accumulator["body"]
    over = [rank.coordinate, *accumulator["extra"]]
    domain = None if accumulator["domain"] == ["true"] else accumulator["domain"]
    if "weight" in accumulator:
        weight = accumulator["weight"]
        difference = ["add", weight["exponent"], ["neg", ["param", "$rho"]]]
        body = ["fn", "expmul", [body, ["mul", ["num", weight["lam"]], difference]]]
    whole = ["red", "max" if op == "ref" else op, over, domain, body]
    met = ["red", "any", over, None, accumulator["domain"]]

    def listed(at):
        return world.listed(whole, dict(zip(accumulator["coords"], at)), at[-1])

    def reference(at):
        value = world.value(whole, dict(zip(accumulator["coords"], at)))
        if value is ABSENT or is_nan(value):
            return value
        value = max(value, -real.LARGE)
        return value + mp.mpf(world.random((name, at)).uniform(-reference_noise, reference_noise))

    def plain(at):
        env = dict(zip(accumulator["coords"], at))
        if "weight" in accumulator:
            of = rank.accumulators[accumulator["weight"]["reference"]]
            rho = world.tensor(of["name"], tuple(env[c] for c in of["coords"]))
            if rho is ABSENT or is_nan(rho):
                return rho
            env = {**env, "#$rho": max(rho, -real.LARGE)}
        value = world.value(whole, env)
        if value is ABSENT and true(world.value(met, env)):
            # Present, since the domain met a coordinate, but of no value: no finish may use it.
            return mp.mpf(world.random((name, at)).uniform(3, 7))
        return value

    return {"ref": reference, "argtopk": listed, "argsort": listed}.get(op, plain)


def as_stored(value):
    """What is absent in an output is stored as 0."""
    return mp.mpf(0) if value is ABSENT else value


def chosen(world, names):
    """Some elements of a tensor: all of them, or an even choice of at most ELEMENTS."""
    every = list(world.coordinates(names))
    some = every[::-(-len(every) // ELEMENTS) or 1]
    random.Random(len(some)).shuffle(some)  # so that a few of them are from everywhere
    return some


def within(world, elements):
    """A few of them where each takes a long time."""
    for position, at in enumerate(elements):
        if position >= FEW and len(world.memo) + len(world.reduced) > BUDGET:
            return
        yield at


def worlds(cascade, rank):
    """Worlds with the streamed rank's extents, where the cascade leaves it open."""
    fixed = cascade.ranks.get(rank.data_rank)
    streamed = None if fixed and fixed != ["ext", rank.data_rank] else rank.data_rank
    for seed in range(SEEDS):
        try:
            yield World(cascade, seed, streamed, EXTENTS[seed] if streamed else None)
        except NoWorld:
            if EXTENTS[seed] > 2:  # a promise like N >= 1 may forbid the small ones
                raise


def compare(cascade, rank, goals):
    """Failures of `goals`, pairs of a tensor and the tree that it is claimed to equal. At most one for each tensor."""
    compared, failed = set(), {}
    for world in worlds(cascade, rank):
        for accumulator in rank.accumulators.values():
            world.defined[accumulator["name"]] = element(world, accumulator, rank, 2)
        for what, tensor, finish in goals:
            stored = as_stored if what == OUTPUT else lambda value: value
            equation = cascade.equations[tensor]
            for at in within(world, chosen(world, equation["idx"])):
                env = dict(zip(equation["idx"], at))
                expected = stored(world.tensor(tensor, at))
                if is_nan(expected):
                    continue  # the equation has no real value here
                compared.add((what, tensor))
                actual = stored(finished(world, finish, equation, env))
                if not real.same(expected, actual):
                    failed.setdefault((what, tensor), f"{what} {tensor}{list(at)} gives {real.show(actual)}, its equation "
                                      f"{real.show(expected)}, with {extents(world)}")
                    break
    for what, tensor, _ in goals:
        if (what, tensor) not in compared:
            failed[(what, tensor)] = f"{what} {tensor} could be compared nowhere: its equation has no real value"
    return [("presence" if "absent" in text else "factorisation") + ": " + text for text in failed.values()]


def finished(world, finish, equation, env):
    """The value of a finish; it is absent outside the domain of its equation, which says so itself."""
    where = world.value(equation["where"], env)
    return NAN if is_nan(where) else world.value(finish, env) if true(where) else ABSENT


def extents(world):
    return ", ".join(f"{rank} = {extent}" for rank, extent in sorted(world.extents.items()))


def check_values(cascade, rank, certificate):
    """Every finish that proves something, and every output."""
    goals = [(FINISH, r["equation"], r["finish"]) for r in certificate["reductions"]]
    goals += [(OUTPUT, name, tree) for name, tree in certificate["outputs"].items()]
    listed = set(rank.accumulators)
    return compare(cascade, rank, [goal for goal in goals if accumulators_read(goal[2]) <= listed])


def check_rewriting(before, after):
    """Failures where the rewritten cascade's outputs differ from the original's."""
    if before.data == after.data:
        return []
    failures = []
    if before.outputs != after.outputs or before.data["inputs"] != after.data["inputs"]:
        return ["rewriting: inputs or outputs of the rewritten cascade are others"]
    for seed in range(SEEDS):
        try:
            first, second = (World(cascade, seed, some=(1, 2, 2, 3, 3) if seed % 2 else (0, 1, 2, 3)) for cascade in (before, after))
        except NoWorld:
            if seed % 2:
                raise
            continue
        if first.seed != second.seed:
            return ["rewriting: the rewritten cascade keeps other promises"]
        for name in before.outputs:
            if name in before.inputs:
                continue
            for at in within(first, chosen(first, before.equations[name]["idx"])):
                expected = first.tensor(name, at)
                if not is_nan(expected) and not real.same(expected, second.tensor(name, at)):
                    failures.append(f"rewriting: {name}{list(at)} was {real.show(expected)} and is "
                                    f"{real.show(second.tensor(name, at))}, with {extents(first)}")
                    break
        if failures:
            break
    return failures


def proves_two(cascade, rank, certificate):
    """Whether an element of an output that carries the rank needs the rank's last coordinate: two traversals, whatever the form."""
    # Lists may hold all of a short rank: there must be more to choose from.
    sizes = units(cascade)
    numbers = {int(e[1]["num"]) for e in cascade.ranks.values() if e and e[0] == "num" and e[1]["den"] == 1}
    longest = max([n for n in numbers - set(sizes.values()) if n < 64], default=0)
    tries = [{"streamed": max(5, longest + 1), "room": longest + 1 if sizes else 2}]
    if not sizes:
        tries = [{"streamed": 5}, *tries, {"streamed": 5, "some": (4, 5, 6, 7)}]
    return any(needs_last(cascade, rank, certificate, change, seed, rank.data_rank, **setting)
               for setting in tries for seed in range(SEEDS) for change in CHANGES)


def needs_last(cascade, rank, certificate, change, *setting, **sizes):
    """Whether that is seen in one world, where the last coordinate's inputs are changed."""
    try:
        first, second = (World(cascade, *setting, **sizes) for _ in range(2))
    except NoWorld:
        return False
    original, last, crossed = second.input, first.extent(rank.data_rank) - 1, rank.crossed_inputs()

    def changed(name, at):
        value = original(name, at)
        kind = cascade.inputs[name]["type"]
        there = any(rank.of_data(r) and i == last for r, i in zip(cascade.ranks_of(name), at)) and name not in crossed
        return change(value) if there and value is not ABSENT and kind not in ("bool", "i1") and kind[0] not in "iu" else value

    second.forget()
    second.input = changed
    if not second.keeps_all():
        return False
    for name in certificate["carried"]:
        at = cascade.equations[name]["idx"]
        for indices in within(first, chosen(first, at)):
            if indices[at.index(rank.coordinate)] < last:
                a, b = first.tensor(name, indices), second.tensor(name, indices)
                if not is_nan(a) and not is_nan(b) and not real.same(a, b):
                    return True
    return False
