"""A cascade as `weirc explain --certificate` prints it, and what can be read off it."""
import hashlib
import json

from .evaluate import Code
from .trees import Malformed, free, reads, verify, walk


def digest(data):
    """SHA-256 of the cascade's JSON with sorted keys and no blanks."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Cascade:
    """Equations by name. A rank's extent is null (open) or a tree; a rank declared equal to another one is that one."""

    def __init__(self, data):
        self.data, self.name, self.outputs = data, data["name"], data["outputs"]
        self.ranks, self.inputs, self.params = data["ranks"], data["inputs"], data["params"]
        self.given, self.code = data.get("given", []), Code()
        self.equations = {equation["name"]: equation for equation in data["equations"]}
        if len(self.equations) != len(data["equations"]) or set(self.equations) & set(self.inputs):
            raise Malformed("a tensor is defined twice")
        for equation in self.equations.values():
            verify(equation["expr"])
            verify(equation["where"])
            if not free(equation["expr"]) | free(equation["where"]) <= set(equation["idx"]):
                raise Malformed(f"{equation['name']} has a coordinate that is not bound")
        for tree in self.given:
            verify(tree)
        for output in self.outputs:
            if output not in self.equations and output not in self.inputs:
                raise Malformed(f"the output {output} has no equation")

    def rank_of(self, coordinate):
        """`n'` goes over N."""
        return coordinate.split("'")[0].upper()

    def resolve(self, rank):
        """The rank that a declared one is equal to: N for `rank L = N`."""
        seen = set()
        while isinstance(rank, str) and rank not in seen:
            seen.add(rank)
            extent = self.ranks.get(rank)
            if not extent or extent[0] != "ext":
                break
            rank = extent[1]
        return rank

    def ranks_of(self, tensor):
        """The ranks of its dimensions; an input's may be the tree of an extent."""
        if tensor in self.inputs:
            return self.inputs[tensor]["ranks"]
        return [self.rank_of(coordinate) for coordinate in self.equations[tensor]["idx"]]

    def depends(self, names):
        """The tensors that these need, themselves included."""
        todo, seen = list(names), set()
        while todo:
            name = todo.pop()
            if name in seen or name not in self.equations:
                continue
            seen.add(name)
            todo += reads(self.equations[name]["expr"]) | reads(self.equations[name]["where"])
        return seen

    def recurrent(self, name):
        """Whether a tensor needs earlier elements of itself."""
        equation = self.equations[name]
        return name in self.depends(reads(equation["expr"]) | reads(equation["where"]))


class OneRank:
    """What a cascade says about one rank: which tensors carry it, which reductions go over it.

    A rank that is declared equal to this one (`rank L = N`) is a loop of its own. But no tensor that carries this rank may be
    gone over by a coordinate of the other, and a certificate may not go over an input by the other unless the cascade does.
    """

    def __init__(self, cascade, rank, coordinate):
        self.cascade, self.rank, self.coordinate = cascade, rank, coordinate
        self.data_rank = cascade.resolve(rank)
        if cascade.rank_of(coordinate) != rank:
            raise Malformed(f"the coordinate {coordinate} does not go over {rank}")
        trees = [tree for e in cascade.equations.values() for tree in (e["expr"], e["where"])]
        self.crossed = {crossing for tree in trees for crossing in self.crossings(tree, opened=True)}

    def goes_over(self, coordinate):
        return self.cascade.rank_of(coordinate) == self.rank

    def goes_across(self, coordinate):
        """By a coordinate of another rank that is declared equal to this one."""
        return not self.goes_over(coordinate) and self.cascade.resolve(self.cascade.rank_of(coordinate)) == self.data_rank

    def of_data(self, rank):
        return self.cascade.resolve(rank) == self.data_rank

    def carries(self, tensor):
        ranks = self.cascade.ranks_of(tensor)
        return any(map(self.of_data, ranks)) if tensor in self.cascade.inputs else self.rank in ranks

    def traverses(self, tree):
        """Whether a reduction in the tree goes over data of the rank: it reads a tensor at its own coordinate."""
        return any(self.is_traversal(tensor, rank, coordinate) for _, tensor, rank, coordinate in self.gone_over(tree))

    def is_traversal(self, tensor, rank, coordinate):
        if self.goes_over(coordinate):
            return self.of_data(rank)
        if tensor in self.cascade.inputs:
            return False  # see crossings
        return self.goes_across(coordinate) and rank == self.rank

    def in_blocks(self, node):
        """Whether a read takes the rank in whole blocks: at `a*size + b`, of a block and of a place in it, both of other ranks. What is made
        so of a rank that is declared equal is an input of this one's traversals, as it is in the count of the text's."""
        ranks = self.cascade.ranks_of(node[1])
        return any(rank == self.rank and self.is_block(index) for rank, index in zip(ranks, node[2]))

    def is_block(self, index):
        if index[0] != "add" or len(index) != 3:
            return False
        for product, place in (index[1:], index[:0:-1]):
            if place[0] != "coord" or product[0] != "mul" or len(product) != 3 or self.goes_over(place[1]):
                continue
            extent = self.cascade.ranks.get(self.cascade.rank_of(place[1]))
            for block, size in (product[1:], product[:0:-1]):
                if block[0] == "coord" and not self.goes_over(block[1]) and extent and size == extent:
                    return True
        return False

    def gone_over(self, tree):
        """(reduction, tensor, rank of a dimension, coordinate) for what the reductions in a tree read at their coordinates."""
        known = {**self.cascade.inputs, **self.cascade.equations}
        for reduction in walk(tree):
            if reduction[0] != "red":
                continue
            for node in walk(reduction):
                if node[0] == "read" and node[1] in known:
                    for rank, index in zip(self.cascade.ranks_of(node[1]), node[2]):
                        for coordinate in free(index) & set(reduction[2]):
                            yield reduction, node[1], rank, coordinate

    def crossings(self, tree, opened=False):
        """(input, rank) for inputs that reductions in a tree go over by a rank which is declared equal to this one.

        `opened`: also for those behind the equations that the reductions read."""
        for _, tensor, rank, coordinate in self.gone_over(tree):
            if self.goes_across(coordinate):
                across = self.cascade.rank_of(coordinate)
                if tensor in self.cascade.inputs:
                    yield from [(tensor, across)] if self.of_data(rank) else []
                elif opened:
                    yield from ((name, across) for name in self.inputs_behind(tensor, rank))

    def inputs_behind(self, tensor, rank, seen=()):
        """The inputs of which a tensor reads elements of the rank's data at its own coordinate of a rank."""
        equation = self.cascade.equations[tensor]
        if tensor in seen:
            return
        for node in (n for tree in (equation["expr"], equation["where"]) for n in walk(tree)):
            if node[0] != "read" or node[1].startswith("$"):
                continue
            for inner, index in zip(self.cascade.ranks_of(node[1]), node[2]):
                if any(self.cascade.rank_of(c) == rank for c in free(index)):
                    if node[1] not in self.cascade.inputs:
                        yield from self.inputs_behind(node[1], inner, (*seen, tensor))
                    elif self.of_data(inner):
                        yield node[1]

    def crossed_inputs(self):
        """The inputs whose data of the rank some equation reads at a coordinate of a rank that is declared equal to this one."""
        found = set()
        for equation in self.cascade.equations.values():
            for node in (n for tree in (equation["expr"], equation["where"]) for n in walk(tree)):
                if node[0] == "read" and (node[1] in self.cascade.inputs or node[1] in self.cascade.equations):
                    for rank, index in zip(self.cascade.ranks_of(node[1]), node[2]):
                        if self.of_data(rank) and any(map(self.goes_across, free(index))):
                            found |= {node[1]} if node[1] in self.cascade.inputs else set(self.inputs_behind(node[1], rank))
        return found

    def reductions(self):
        """The equations that leave the rank away by a reduction over it, wherever it stands in them."""
        for name, equation in self.cascade.equations.items():
            over = {c for node in walk(equation["expr"]) if node[0] == "red" for c in node[2] if self.goes_over(c)}
            if over and self.coordinate not in equation["idx"]:
                yield name

    def plain_reductions(self):
        """Those that are a reduction and nothing else. A `mean` is not one, but a quotient of two."""
        for name in self.reductions():
            expr = self.cascade.equations[name]["expr"]
            if expr[0] == "red" and expr[1] != "mean" and any(self.goes_over(c) for c in expr[2]):
                yield name

    def strictly_local(self, tensor, indices):
        """Whether a read of a recurrent tensor asks for no later step than the coordinate's own."""
        for rank, index in zip(self.cascade.ranks_of(tensor), indices):
            if rank == self.rank and index != ["coord", self.coordinate]:
                return False
        return True


def line_of(equation):
    line = equation.get("line")
    return f" (line {line})" if line else ""

