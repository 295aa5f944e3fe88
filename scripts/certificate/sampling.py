"""The obligations that are checked by numbers: every finish and output against its equation, over small extents, in 40 digits.

References are random: a finish that is right for any reference is right for the one that a kernel happens to have.
"""
import mpmath as mp

from . import arithmetic as real
from .arithmetic import ABSENT, NAN, is_nan
from .trees import accumulators_read
from .world import NoWorld, World, true

SEEDS = 8
EXTENTS = (3, 4, 1, 0, 2, 5, 3, 4)  # of the streamed rank, one a seed; 0: every row is empty
ELEMENTS = 24  # of one tensor in one world
FINISH, OUTPUT = "the finish of", "the output"


def element(world, accumulator, rank, reference_noise):
    """The function from indices to an accumulator's value: its definition, taken over the whole rank at once."""
    op, name = accumulator["op"], accumulator["name"]
    over = [rank.coordinate, *accumulator["extra"]]
    domain = None if accumulator["domain"] == ["true"] else accumulator["domain"]

    def listed(at):
        env = dict(zip(accumulator["coords"], at))
        return world.listed(["red", op, over, domain, accumulator["body"]], env, at[-1])

    def reference(at):
        env = dict(zip(accumulator["coords"], at))
        value = world.value(["red", "max", over, domain, accumulator["body"]], env)
        if value is ABSENT or is_nan(value):
            return value
        value = max(value, -real.LARGE)
        return value + mp.mpf(world.random((name, at)).uniform(-reference_noise, reference_noise))

    def plain(at):
        env = dict(zip(accumulator["coords"], at))
        body = accumulator["body"]
        if "weight" in accumulator:
            weight, of = accumulator["weight"], rank.accumulators[accumulator["weight"]["reference"]]
            rho = world.tensor(of["name"], tuple(env[c] for c in of["coords"]))
            if rho is ABSENT or is_nan(rho):
                return rho
            difference = ["add", weight["exponent"], ["neg", ["param", "$rho"]]]
            body = ["fn", "expmul", [body, ["mul", ["num", weight["lam"]], difference]]]
            env = {**env, "#$rho": max(rho, -real.LARGE)}
        value = world.value(["red", op, over, domain, body], env)
        if value is ABSENT and true(world.value(["red", "any", over, None, accumulator["domain"]], env)):
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
    return every[::-(-len(every) // ELEMENTS) or 1]


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
            for at in chosen(world, equation["idx"]):
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
        first, second = World(before, seed), World(after, seed)
        for name in before.outputs:
            if name in before.inputs:
                continue
            for at in chosen(first, before.equations[name]["idx"]):
                expected = first.tensor(name, at)
                if not is_nan(expected) and not real.same(expected, second.tensor(name, at)):
                    failures.append(f"rewriting: {name}{list(at)} was {real.show(expected)} and is "
                                    f"{real.show(second.tensor(name, at))}")
                    break
        if failures:
            break
    return failures


def proves_two(cascade, rank, certificate):
    """Whether an output that carries the rank needs its last coordinate for the first element: two traversals, whatever the form."""
    for seed in range(SEEDS):
        try:
            first = World(cascade, seed, rank.data_rank, 5)
        except NoWorld:
            continue
        second = World(cascade, seed, rank.data_rank, 5)
        if first.seed != second.seed or first.extent(rank.data_rank) != 5:
            continue
        original = second.input

        def changed(name, at):
            value = original(name, at)
            last = any(rank.of_data(r) and i == 4 for r, i in zip(cascade.ranks_of(name), at))
            return value + mp.mpf("0.37") if last and isinstance(value, mp.mpf) else value

        second.input = changed
        for name in certificate["carried"]:
            at = cascade.equations[name]["idx"]
            for indices in chosen(first, at):
                if indices[at.index(rank.coordinate)] == 0:
                    a, b = first.tensor(name, indices), second.tensor(name, indices)
                    if not is_nan(a) and not is_nan(b) and not real.same(a, b):
                        return True
    return False
