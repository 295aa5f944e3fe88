"""Trees as certificates write them: arrays whose first entry says what they are."""

LEAVES = {"num", "coord", "ext", "param", "true", "false"}
ARITIES = {"neg": 1, "not": 1, "div": 2, "pow": 2, "fdiv": 2, "mod": 2, "else": 2, "where": 2, "sel": 3}
VARIADIC = {"add", "mul", "and", "or"}
COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}


class Malformed(Exception):
    """The JSON is no tree, cascade or certificate."""


def children(tree):
    """The trees directly below one."""
    kind = tree[0]
    if kind in LEAVES:
        return []
    if kind in ("read", "fn"):
        return tree[2]
    if kind == "cmp":
        return tree[2:]
    if kind == "red":
        return ([] if tree[3] is None else [tree[3]]) + [tree[4]]
    return tree[1:]


def verify(tree):
    """Raises Malformed unless the JSON value is a tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if not isinstance(node, list) or not node or not isinstance(node[0], str) or not well_formed(node):
            raise Malformed(f"this is no tree: {str(node)[:80]}")
        stack += children(node)


def well_formed(node):
    kind, count = node[0], len(node) - 1
    if kind in ("true", "false"):
        return count == 0
    if kind == "num":
        return count == 1 and isinstance(node[1], dict) and set(node[1]) == {"num", "den"}
    if kind in ("coord", "ext", "param"):
        return count == 1 and isinstance(node[1], str)
    if kind in ("read", "fn"):
        return count == 2 and isinstance(node[1], str) and isinstance(node[2], list)
    if kind == "cmp":
        return count == 3 and node[1] in COMPARISONS
    if kind == "red":
        return count == 4 and isinstance(node[1], str) and isinstance(node[2], list) and bool(node[2])
    return count == ARITIES[kind] if kind in ARITIES else kind in VARIADIC and count > 0


def walk(tree):
    """Every node, the root first."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack += children(node)


def reads(tree):
    return {node[1] for node in walk(tree) if node[0] == "read"}


def accumulators_read(tree):
    return {name for name in reads(tree) if name.startswith("$")}


def free(tree):
    """The coordinates that no reduction inside binds."""
    if tree[0] == "coord":
        return {tree[1]}
    found = set()
    for child in children(tree):
        found |= free(child)
    return found - set(tree[2]) if tree[0] == "red" else found
