"""Checks a document of `weirc explain --certificate`: its certificates one by one, and what a rewriting changed."""
from .arithmetic import show  # noqa: F401  (40 digits are set there)
from .cascade import Cascade, OneRank, digest
from .sampling import check_rewriting, check_values, proves_two
from .structure import Structure
from .trees import Malformed, verify
from .world import NoWorld


def verify_trees(certificate):
    for accumulator in certificate["accumulators"]:
        for tree in (accumulator["body"], accumulator["domain"]):
            verify(tree)
        if "weight" in accumulator:
            verify(accumulator["weight"]["exponent"])
            verify(accumulator["weight"]["correction"])
    for reduction in certificate["reductions"]:
        verify(reduction["finish"])
    for tree in certificate["outputs"].values():
        verify(tree)


def check_bound(cascade, rank, certificate):
    bound = certificate["traversals"].get("lower_bound")
    if bound is None or bound == 1:
        return []
    if bound == 2 and proves_two(cascade, rank, certificate):
        return []
    return [f"lower bound: nothing proves that {bound} traversals are needed"]


def check_assumed(cascade, certificate):
    """What a certificate assumes of inputs, the cascade must have been promised."""
    if certificate["assumed"] and not cascade.given:
        return ["sign: something is assumed of the inputs, but the cascade is promised nothing"]
    return []


def check_certificate(cascade, certificate):
    """The failures of one certificate, each beginning with the obligation that fails; [] when it is accepted."""
    if certificate["version"] != 1:
        return [f"version: {certificate['version']}; this checker knows version 1"]
    if certificate["cascade"] != cascade.name or certificate["cascade_digest"] != digest(cascade.data):
        return ["digest: the certificate is for another cascade"]
    verify_trees(certificate)
    rank = OneRank(cascade, certificate["rank"], certificate["coordinate"])
    rank.accumulators = {a["name"]: a for a in certificate["accumulators"]}
    if len(rank.accumulators) != len(certificate["accumulators"]):
        return ["cover: two accumulators have one name"]
    failures = Structure(cascade, rank, certificate).check()
    failures += check_assumed(cascade, certificate)
    # Values are compared where the form is sound: otherwise they may not even be defined.
    return failures or check_values(cascade, rank, certificate) + check_bound(cascade, rank, certificate)


def check(document):
    """The failures of a document {"before", "after", "certificates"}, the rank's name before each."""
    try:
        before, after = Cascade(document["before"]), Cascade(document["after"])
        failures = check_rewriting(before, after)
        for certificate in document["certificates"]:
            failures += [f"{certificate['rank']}: {text}" for text in check_certificate(before, certificate)]
        return failures
    except Malformed as error:
        return [f"form: {error}"]
    except NoWorld as error:
        return [f"sampling: {error}"]
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        return [f"form: the document is not as docs/certificates.md describes it ({type(error).__name__}: {error})"]
    except RecursionError:
        return ["sampling: the trees are nested too deeply"]
