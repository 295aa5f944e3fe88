"""What is proved with symbols: the correction of a weighted accumulator, for all references at once."""
import sympy as sp

from .trees import Malformed, children


def rational(q):
    return sp.Rational(int(q["num"]), int(q["den"]))


def to_symbols(tree, names):
    """A tree of +, *, /, powers and exp over the given params."""
    kind = tree[0]
    if kind == "num":
        return rational(tree[1])
    if kind == "param" and tree[1] in names:
        return names[tree[1]]
    operands = [to_symbols(child, names) for child in children(tree)]
    if kind == "add":
        return sp.Add(*operands)
    if kind == "mul":
        return sp.Mul(*operands)
    if kind == "neg":
        return -operands[0]
    if kind == "div":
        return operands[0] / operands[1]
    if kind == "pow":
        return operands[0] ** operands[1]
    if kind == "fn" and tree[1] == "exp":
        return sp.exp(operands[0])
    raise Malformed(f"a correction may not hold {kind}")


def correction_failures(tree, lam):
    """(obligation, text) for a correction c(rho, rho2): it carries exp(-lam*rho) to exp(-lam*rho2), and corrections compose."""
    r, s, t = sp.symbols("r s t", real=True)
    scale = rational(lam)
    correction = to_symbols(tree, {"rho": r, "rho2": s})
    if sp.simplify(correction * sp.exp(scale * s) - sp.exp(scale * r)) != 0:
        yield "inverse", "the correction times exp(lam*rho2) is not exp(lam*rho)"
    through = correction * correction.subs({r: s, s: t}, simultaneous=True)
    if sp.simplify(correction.subs(s, t) - through) != 0 or sp.simplify(correction.subs(s, r) - 1) != 0:
        yield "associativity", "corrections do not compose"
