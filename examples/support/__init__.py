"""What the references and the check share: declarations, masked softmax, rounding noise, ways to run a cascade."""
from .declare import EXAMPLES, IDENTITIES, example, identity
from .formulas import causal, gelu, round_to, softmax, sigmoid, softplus, grouped, largest, over_keys

__all__ = ["EXAMPLES", "IDENTITIES", "example", "identity",
           "causal", "gelu", "round_to", "softmax", "sigmoid", "softplus", "grouped", "largest", "over_keys"]
