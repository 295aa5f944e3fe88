"""The obligations that are checked without any number: operations, knowledge, levels, cover, count, the form of weights."""
from .cascade import line_of
from .symbols import correction_failures, rational
from .trees import accumulators_read, free, reads, walk

IDENTITIES = {"sum": 0, "prod": 1, "max": "-inf", "min": "+inf", "any": False, "all": True, "ref": "-inf",
              "argmax": ["-inf", "none"], "argmin": ["+inf", "none"], "argtopk": "empty", "argsort": "empty"}
GUARDS = {"rho absent or -inf -> 0"}
NEVER = 10 ** 6  # the level of what is complete after no traversal that the certificate proves


class Structure:
    """One certificate against its cascade. `failures` grows as the checks run."""

    def __init__(self, cascade, rank, certificate):
        self.cascade, self.rank, self.certificate = cascade, rank, certificate
        self.accumulators = {a["name"]: a for a in certificate["accumulators"]}
        self.finishes = {r["equation"]: r for r in certificate["reductions"]}
        self.failures = []

    def fail(self, obligation, text):
        self.failures.append(f"{obligation}: {text}")

    def check(self):
        for accumulator in self.accumulators.values():
            self.check_operation(accumulator)
            self.check_knowledge(accumulator)
            if "weight" in accumulator:
                self.check_weight(accumulator)
        for reduction in self.finishes.values():
            self.check_finish(reduction)
        self.check_levels()
        self.check_cover()
        self.check_outputs()
        self.check_count()
        return self.failures

    # When a value is known ---------------------------------------------------------------------------------------

    def proves(self, finish):
        """Whether all accumulators that a finish reads are listed: otherwise it belongs to a dead statistic."""
        return accumulators_read(finish) <= set(self.accumulators)

    def need(self, tree, opening=()):
        """The number of traversals that must have ended before the value of a tree is known at one coordinate."""
        if self.rank.traverses(tree):
            return NEVER
        return max([0] + [self.need_of_read(node, opening) for node in walk(tree) if node[0] == "read"])

    def need_of_read(self, node, opening):
        name = node[1]
        if name.startswith("$"):
            return self.accumulators[name]["level"] if name in self.accumulators else NEVER
        if name not in self.cascade.inputs and name not in self.cascade.equations:
            return NEVER
        # What comes by in blocks is there one traversal after all that it waits for.
        return self.need_of_tensor(node, opening) + self.rank.in_blocks(node)

    def need_of_tensor(self, node, opening):
        name = node[1]
        if name in self.cascade.inputs:
            return 0
        if name in opening:
            return 0  # a recurrence; what else it reads is counted where it was entered
        if name in self.finishes and self.proves(self.finishes[name]["finish"]):
            return self.finishes[name]["level"]
        if self.rank.carries(name) and self.cascade.recurrent(name) and not self.rank.strictly_local(name, node[2]):
            return NEVER
        equation = self.cascade.equations[name]
        inner = (*opening, name)
        return max(self.need(equation["expr"], inner), self.need(equation["where"], inner))

    # Accumulators ------------------------------------------------------------------------------------------------

    def check_operation(self, accumulator):
        name, op = accumulator["name"], accumulator["op"]
        if op not in IDENTITIES:
            self.fail("associativity", f"{name}: {op} is no operation that is known to be associative")
        elif accumulator["identity"] != IDENTITIES[op] or isinstance(accumulator["identity"], bool) != (op in ("any", "all")):
            self.fail("identity", f"{name}: {accumulator['identity']} is not the identity of {op}")
        if accumulator["exact"] != (op != "ref"):
            self.fail("exactness", f"{name}: a reference is never exact, anything else always")
        if "weight" in accumulator and op != "sum":
            self.fail("homomorphism", f"{name}: only a sum can be kept relative to a reference")
        if not name.startswith("$") or accumulator["level"] < 1:
            self.fail("levels", f"{name} is no accumulator of a traversal from 1")

    def check_knowledge(self, accumulator):
        name, level, n = accumulator["name"], accumulator["level"], self.rank.coordinate
        kept = accumulator["coords"] + accumulator["extra"]
        if n in kept:
            self.fail("knowledge", f"{name} keeps {n}: that is no state but the rank itself")
        trees = [accumulator["body"], accumulator["domain"]]
        if "weight" in accumulator:
            trees.append(accumulator["weight"]["exponent"])
        for tree in trees:
            self.check_crossings(name, tree)
            if not free(tree) <= {n, *kept}:
                self.fail("knowledge", f"{name} depends on {', '.join(sorted(free(tree) - {n, *kept}))}, which it does not keep")
            if self.need(tree) >= level:
                self.fail("knowledge", f"{name} of traversal {level} reads {self.culprits(tree, level)}")

    def check_crossings(self, what, tree):
        """No traversal may hide behind another name of the rank."""
        for tensor, rank in set(self.rank.crossings(tree)) - self.rank.crossed:
            self.fail("knowledge", f"{what} goes over {tensor} by {rank}, equal to {self.rank.rank}, and the cascade does not")

    def culprits(self, tree, level):
        """What in a tree is not known before a traversal, in words."""
        if self.rank.traverses(tree):
            return f"all of {self.rank.rank} by itself"
        names = {node[1] for node in walk(tree) if node[0] == "read" and self.need_of_read(node, ()) >= level}
        return ", ".join(sorted(names)) + ", which is not known before it"

    def check_weight(self, accumulator):
        name, weight = accumulator["name"], accumulator["weight"]
        if rational(weight["lam"]) <= 0:
            self.fail("stability", f"{name}: lam is not positive, so its reference bounds the wrong side")
            return
        for obligation, text in correction_failures(weight["correction"], weight["lam"]):
            self.fail(obligation, f"{name}: {text}")
        correction = weight["correction"]
        exponentials = [node for node in walk(correction) if node[0] == "fn"]
        if correction[:2] != ["fn", "exp"] or len(exponentials) != 1 or any(x[0] in ("div", "pow") for x in walk(correction)):
            self.fail("stability", f"{name}: the correction is not one exponential of a difference")
        if weight.get("guard") not in GUARDS:
            self.fail("finiteness", f"{name}: no guard for a reference that is absent or -inf")
        reference = self.accumulators.get(weight["reference"])
        if reference is None or reference["op"] not in ("ref", "max") or "weight" in reference:
            self.fail("stability", f"{name}: its reference {weight['reference']} is no running maximum")
        elif reference["body"] != weight["exponent"] or reference["domain"] != accumulator["domain"]:
            self.fail("stability", f"{name}: its reference does not go over the same exponent and domain")
        elif reference["level"] != accumulator["level"]:
            self.fail("levels", f"{name} and its reference are of different traversals")
        elif not set(reference["coords"]) <= set(accumulator["coords"]):
            self.fail("stability", f"{name} does not say which row of its reference it means")

    # Finishes ----------------------------------------------------------------------------------------------------

    def check_finish(self, reduction):
        name, level, finish = reduction["equation"], reduction["level"], reduction["finish"]
        if name not in self.cascade.equations:
            self.fail("cover", f"there is no equation {name}")
            return
        equation = self.cascade.equations[name]
        where = name + line_of(equation)
        if not free(finish) <= set(equation["idx"]):
            self.fail("distributivity", f"the finish of {where} depends on {', '.join(sorted(free(finish) - set(equation['idx'])))}")
        if self.certificate["levels"].get(name) != level:
            self.fail("levels", f"{where} is at {self.certificate['levels'].get(name)} and its finish at {level}")
        if self.proves(finish) and self.need(finish, (name,)) > level:
            self.fail("levels", f"the finish of {where} at traversal {level} reads {self.culprits(finish, level + 1)}")
        self.check_crossings(f"the finish of {where}", finish)
        if name in self.behind(finish):
            self.fail("levels", f"the finish of {where} reads {name} itself")

    def behind(self, finish):
        """All tensors that a finish reads, through finishes where there are any and through equations elsewhere."""
        todo, seen = [finish], set()
        while todo:
            for name in reads(todo.pop()) - seen:
                seen.add(name)
                if name in self.finishes:
                    todo.append(self.finishes[name]["finish"])
                elif name in self.cascade.equations:
                    todo += [self.cascade.equations[name]["expr"], self.cascade.equations[name]["where"]]
        return seen

    def check_levels(self):
        """A tensor that carries the rank is produced in the traversal after the last one that it needs."""
        for name, level in self.certificate["levels"].items():
            if name not in self.cascade.equations or name in self.finishes:
                continue
            need = self.need(["read", name, []])
            least = need + 1 if need and self.rank.coordinate in self.cascade.equations[name]["idx"] else need
            if need < NEVER and level < least:
                self.fail("levels", f"{name} is said to be at {level}, it cannot be before {least}")

    def check_cover(self):
        live = self.cascade.depends(self.cascade.outputs)
        for name in self.rank.plain_reductions():
            if name in live and name not in self.finishes:
                self.fail("cover", f"the reduction {name}{line_of(self.cascade.equations[name])} has no finish")

    def check_outputs(self):
        outputs, carried = self.certificate["outputs"], self.certificate["carried"]
        for name in set(outputs) | set(carried):
            if name not in self.cascade.outputs:
                self.fail("cover", f"{name} is no output")
        for name in self.cascade.outputs:
            if name in self.cascade.inputs:
                continue
            equation = self.cascade.equations[name]
            carries = self.rank.coordinate in equation["idx"]
            if name not in outputs:
                # Nothing is claimed of an output that no traversal completes.
                if self.cascade.depends([name]) & set(self.rank.reductions()):
                    self.fail("cover", f"the output {name}{line_of(equation)} has no finish")
                continue
            self.check_output(name, equation, outputs[name], carried.get(name) if carries else None)

    def check_output(self, name, equation, finish, at):
        if not free(finish) <= set(equation["idx"]):
            self.fail("distributivity", f"the output {name} depends on {', '.join(sorted(free(finish) - set(equation['idx'])))}")
        self.check_crossings(f"the output {name}", finish)
        need = self.need(finish, (name,))
        if need >= NEVER:
            self.fail("levels", f"the output {name} reads {self.culprits(finish, NEVER)}")
        elif self.rank.coordinate in equation["idx"] and (at or 0) < need + 1:
            self.fail("levels", f"the output {name} carries {self.rank.coordinate} and is claimed in traversal {at}, "
                                f"but it reads what is complete after {need}")
        elif need > self.certificate["traversals"]["derived"]:
            self.fail("count", f"the output {name} needs {need} traversals")

    def check_count(self):
        traversals = self.certificate["traversals"]
        used = max([1] + [a["level"] for a in self.accumulators.values()] + list(self.certificate["carried"].values()))
        # More than the accumulators use may be claimed where an output is made of blocks.
        trees = [tree for e in self.cascade.equations.values() for tree in (e["expr"], e["where"])]
        divides = any(node[0] == "read" and self.rank.in_blocks(node) for tree in trees for node in walk(tree))
        if traversals["derived"] < used or traversals["derived"] > used and not divides:
            self.fail("count", f"{traversals['derived']} traversals are claimed, {used} are used")
        levels = [reduction["level"] for reduction in self.finishes.values() if self.proves(reduction["finish"])]
        if levels and max(levels) > used:
            self.fail("count", f"a finish waits for traversal {max(levels)}, of {used}")
