"""The contracts of parts, as checks that anybody can call: `check_aggregator(mine())`.

Each check runs a part, which a factory returned, on small random arrays and raises an
AssertionError that names the first rule of its contract (see `contracts`) that the part
breaks. Parts run in float64, where mistakes are larger than roundings: a part must use
the dtype of its parameters and inputs instead of a fixed one.
"""

from vladser.checks.host import check_features, check_pieces, check_readout
from vladser.checks.learning import check_objective, check_optimizer
from vladser.checks.network import check_aggregator, check_encoder, check_head

__all__ = [
    "check_aggregator",
    "check_encoder",
    "check_features",
    "check_head",
    "check_objective",
    "check_optimizer",
    "check_pieces",
    "check_readout",
]
