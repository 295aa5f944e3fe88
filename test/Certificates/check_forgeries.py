#!/usr/bin/env python3
"""The checker of certificates accepts true ones and rejects forged ones, each for the obligation that the forgery breaks.

The certificates in Inputs/ are of attention and its relatives; a forgery changes one of them the way a mistaken (or dishonest)
derivation would. Needs sympy and mpmath.
"""
import copy
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))

try:
    from certificate.cascade import digest
    from certificate.check import check
    from certificate.trees import walk
except ImportError as error:
    print(f"skipped: {error}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

ONE = ["num", {"num": 1, "den": 1}]
INPUTS = sorted((HERE / "Inputs").glob("*.json"))


def load(name):
    return json.loads((HERE / "Inputs" / f"{name}.json").read_text())


def accumulator(certificate, name):
    return next(a for a in certificate["accumulators"] if a["name"] == name)


def finish(certificate, name):
    return next(r for r in certificate["reductions"] if r["equation"] == name)


def weighted(certificate):
    return next(a["weight"] for a in certificate["accumulators"] if "weight" in a)


def replace(tree, old, new):
    """Every subtree below the root that equals `old` made `new`, in place."""
    for node in walk(tree):
        lists = [node] + [part for part in node if isinstance(part, list)]
        for part in lists:
            part[:] = [new if child == old else child for child in part]


FORGERIES = []


def forgery(source, *obligations):
    """Registers a function that forges the certificate of Inputs/SOURCE.json, and the obligations of which one must fail."""
    def register(function):
        FORGERIES.append((function, source, obligations))
        return function
    return register


@forgery("attention-3-pass", "inverse")
def correction_with_the_wrong_sign(c):
    weighted(c)["correction"][2][0] = ["add", ["param", "rho2"], ["neg", ["param", "rho"]]]


@forgery("attention-3-pass", "stability")
def correction_as_a_quotient(c):
    weighted(c)["correction"] = ["div", ["fn", "exp", [["neg", ["param", "rho2"]]]], ["fn", "exp", [["neg", ["param", "rho"]]]]]


@forgery("attention-3-pass", "stability")
def correction_as_a_product(c):
    weighted(c)["correction"] = ["mul", ["fn", "exp", [["neg", ["param", "rho2"]]]], ["fn", "exp", [["param", "rho"]]]]


@forgery("attention-3-pass", "stability")
def negative_scale_of_the_exponent(c):
    weighted(c)["lam"] = {"num": -1, "den": 1}


@forgery("lse-and-max-out", "identity")
def identity_of_max_is_zero(c):
    accumulator(c, "$M1")["identity"] = 0


@forgery("attention-3-pass", "identity")
def identity_of_a_sum_is_false(c):
    accumulator(c, "$S4")["identity"] = False


@forgery("attention-3-pass", "finiteness")
def guard_missing(c):
    del weighted(c)["guard"]


@forgery("attention-3-pass", "factorisation")
def finish_multiplies_instead_of_dividing(c):
    finish(c, "O")["finish"][1][0] = "mul"
    c["outputs"]["O"][0] = "mul"


@forgery("attention-3-pass", "associativity")
def mean_as_an_operation(c):
    accumulator(c, "$S4")["op"] = "mean"


@forgery("attention-3-pass", "factorisation")
def values_dropped_from_the_numerator(c):
    accumulator(c, "$S5")["body"] = ONE


@forgery("performer-eps-masked", "stability")
def mask_dropped_from_one_accumulator(c):
    accumulator(c, "$S4")["domain"] = ["true"]


@forgery("performer-eps-masked", "factorisation", "presence")
def mask_dropped_from_all_accumulators(c):
    for a in c["accumulators"]:
        a["domain"] = ["true"]


@forgery("entropy", "factorisation")
def entropy_without_one_term(c):
    tree = finish(c, "H")["finish"]
    lost = next(n for n in walk(tree) if n[0] == "read" and n[1] == accumulator(c, "$S6")["name"])
    replace(c["outputs"]["H"], copy.deepcopy(lost), ["num", {"num": 0, "den": 1}])
    replace(tree, copy.deepcopy(lost), ["num", {"num": 0, "den": 1}])


@forgery("clipped-softmax", "knowledge")
def clipped_softmax_in_one_traversal(c):
    accumulator(c, "$S5")["level"] = finish(c, "O")["level"] = c["levels"]["O"] = c["traversals"]["derived"] = 1


@forgery("h2o-column-sums", "levels")
def column_sums_in_one_traversal(c):
    c["carried"]["C"] = c["traversals"]["derived"] = 1


@forgery("weights-out", "levels")
def weights_in_one_traversal(c):
    c["carried"]["A"] = c["traversals"]["derived"] = 1


@forgery("clipped-softmax", "count")
def count_understated(c):
    c["traversals"]["derived"] = 1


@forgery("statistic-temperature", "factorisation", "presence")
def temperature_taken_out_of_the_exponent(c):
    score = ["read", "S", [["coord", "m"], ["coord", "n"]]]
    for a in c["accumulators"]:
        a["level"] = 1
        if a["op"] == "ref":
            a["body"] = score
        if "weight" in a:
            a["weight"]["exponent"] = score
    for r in c["reductions"]:
        r["level"] = c["levels"][r["equation"]] = 1
    c["traversals"]["derived"] = c["traversals"]["lower_bound"] = 1


@forgery("lse-and-max-out", "factorisation")
def lazy_reference_as_the_maximum(c):
    c["accumulators"] = [a for a in c["accumulators"] if a["name"] != "$M1"]
    for tree in [r["finish"] for r in c["reductions"]] + list(c["outputs"].values()):
        for node in walk(tree):
            if node[:2] == ["read", "$M1"]:
                node[1] = "$R3"
    for name, tree in c["outputs"].items():
        if tree[:2] == ["read", "$M1"]:
            tree[1] = "$R3"


@forgery("attention-3-pass", "exactness")
def reference_said_to_be_exact(c):
    accumulator(c, "$R3")["exact"] = True


@forgery("max-min-of-weights", "factorisation")
def minimum_replaced_by_maximum(c):
    accumulator(c, "$M5").update(op="max", identity="-inf")


@forgery("attention-3-pass", "cover")
def reduction_without_finish(c):
    c["reductions"] = [r for r in c["reductions"] if r["equation"] != "Z"]


@forgery("attention-3-pass", "cover")
def output_without_finish(c):
    c["outputs"] = {}


@forgery("differential", "stability")
def second_softmax_on_the_first_reference(c):
    accumulator(c, "$S7")["weight"]["reference"] = "$R3"


@forgery("attention-3-pass", "digest")
def certificate_of_another_cascade(c):
    c["cascade_digest"] = "0" * 64


@forgery("attention-3-pass", "knowledge")
def maximum_hidden_in_a_body(c):
    inner = ["red", "max", ["n'"], None, ["read", "S", [["coord", "m"], ["coord", "n'"]]]]
    accumulator(c, "$S5")["body"] = ["mul", accumulator(c, "$S5")["body"], inner]


@forgery("attention-3-pass", "levels")
def traversal_hidden_in_a_finish(c):
    finish(c, "Z")["finish"] = ["red", "sum", ["n'"], None, ["read", "P", [["coord", "m"], ["coord", "n'"]]]]


@forgery("attention-3-pass", "knowledge")
def statistic_of_a_dead_accumulator_is_read(c):
    accumulator(c, "$S5")["body"] = ["mul", accumulator(c, "$S5")["body"], ["read", "X", [["coord", "m"]]]]


@forgery("attention-3-pass", "knowledge")
def state_that_is_the_whole_rank(c):
    accumulator(c, "$S4")["coords"].append("n")


@forgery("attention-3-pass", "levels")
def finishes_that_read_each_other(c):
    finish(c, "Z")["finish"] = ["div", ["read", "Z", [["coord", "m"]]], ONE]


@forgery("lse-and-max-out", "levels")
def weights_said_to_be_known_early(c):
    c["levels"]["A"] = 0


@forgery("attention-3-pass", "distributivity")
def finish_that_depends_on_the_rank(c):
    finish(c, "Z")["finish"] = ["mul", finish(c, "Z")["finish"], ["coord", "n"]]


@forgery("attention-3-pass", "factorisation")
def finish_without_a_real_value(c):
    zero = ["num", {"num": 0, "den": 1}]
    c["outputs"]["O"] = ["mul", c["outputs"]["O"], ["div", zero, zero]]


@forgery("data-mask", "presence")
def empty_rows_made_present(c):
    finish(c, "O")["finish"] = ["else", finish(c, "O")["finish"], ["num", {"num": 0, "den": 1}]]


@forgery("clipped-softmax", "lower bound")
def lower_bound_without_proof(c):
    c["traversals"]["lower_bound"] = 2


@forgery("attention-3-pass", "sign")
def promise_that_nobody_made(c):
    c["assumed"] = [{"input": "Q", "fact": "Q[m,d] > 0"}]


@forgery("equal-ranks", "knowledge")
def maximum_of_an_input_under_another_name(c):
    of_keys = ["red", "max", ["n'"], None, ["read", "K", [["coord", "n'"], ["num", {"num": 0, "den": 1}]]]]
    accumulator(c, "$S5")["body"] = ["mul", accumulator(c, "$S5")["body"], of_keys]


@forgery("equal-ranks", "knowledge")
def maximum_of_the_scores_under_another_name(c):
    of_scores = ["red", "max", ["n'"], None, ["read", "S", [["coord", "n"], ["coord", "n'"]]]]
    accumulator(c, "$S4")["body"] = ["mul", accumulator(c, "$S4")["body"], of_scores]


@forgery("equal-ranks", "knowledge")
def column_sums_with_the_sums_that_they_need(c):
    accumulator(c, "$S5")["level"] = finish(c, "O")["level"] = c["levels"]["O"] = c["traversals"]["derived"] = 1


@forgery("inner-reduction", "levels")
def equation_with_a_reduction_inside_left_out(c):
    c["reductions"] = [r for r in c["reductions"] if r["equation"] != "S"]


@forgery("inner-reduction", "factorisation")
def function_around_a_reduction_dropped(c):
    tree = finish(c, "S")["finish"]
    function = next(n for n in walk(tree) if n[:2] == ["fn", "tanh"])
    function[1] = "sigmoid"


@forgery("inner-reduction", "levels")
def equation_with_a_reduction_inside_known_at_once(c):
    finish(c, "S")["level"] = c["levels"]["S"] = 0


@forgery("chosen-blocks", "knowledge")
def blocks_and_keys_in_one_traversal(c):
    """What chooses blocks is made of all of them."""
    for part in (*c["accumulators"], *c["reductions"]):
        part["level"] = 1
    c["levels"] = dict.fromkeys(c["levels"], 1)
    c["traversals"]["derived"] = 1


def mask_dropped_where_every_term_vanishes(c):
    """Not false: the scores are absent there themselves."""
    for a in c["accumulators"]:
        a["domain"] = ["true"]


def lower_bound_that_the_weights_prove(c):
    """The first weight of a row depends on the last key."""
    c["traversals"]["lower_bound"] = 2


def forged_rewriting():
    """A rewritten cascade whose outputs are others."""
    document = load("attention-3-pass")
    document["after"] = copy.deepcopy(document["before"])
    equation = next(e for e in document["after"]["equations"] if e["name"] == "A")
    equation["expr"] = ["mul", ["num", {"num": 2, "den": 1}], equation["expr"]]
    return document


def verdicts():
    """(what, whether it is as it should be, what the checker said)"""
    for path in INPUTS:
        failures = check(load(path.stem))
        yield f"{path.stem} is accepted", not failures, failures
    for forge, source, obligations in FORGERIES:
        document = load(source)
        before = json.dumps(document)
        forge(document["certificates"][0])
        assert json.dumps(document) != before, f"{forge.__name__} changes nothing"
        failures = check(document)
        found = {text.split(": ")[1] for text in failures}
        yield f"{forge.__name__} is rejected", bool(found & set(obligations)) and bool(failures), failures
    for change, source in ((mask_dropped_where_every_term_vanishes, "data-mask"),
                           (lower_bound_that_the_weights_prove, "weights-out")):
        document = load(source)
        change(document["certificates"][0])
        failures = check(document)
        yield f"{change.__name__} is accepted", not failures, failures
    failures = check(forged_rewriting())
    yield "a forged rewriting is rejected", any("rewriting: " in text for text in failures), failures


def main():
    assert INPUTS and digest(load("attention-3-pass")["before"]) == load("attention-3-pass")["certificates"][0]["cascade_digest"]
    passed = failed = 0
    for what, good, failures in verdicts():
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"FAIL {what}; the checker said: {'; '.join(failures) or 'accepted'}")
        elif "-v" in sys.argv:
            print(f"ok {what}: {'; '.join(failures)}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
