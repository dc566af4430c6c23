"""What Huang, Tao, Liu, Lian (Interspeech 2020) report and claim, as data.

All of it is of IEMOCAP: 5,531 utterances of four emotions, each of 10 speakers left out
in turn. UA is a share: 0.626 where the paper prints 62.6. What it shows in a plot alone
(other numbers of clusters in Figure 3, other alphas in Figure 5) has no value here. Its
text gives 62.0 and 61.4, the smoothings at alpha 0.2, both ways round; unigram is the
better one here, as in Figure 6.
"""

from dataclasses import replace
from typing import NamedTuple

from vladser.condition import Condition, make


class Family(NamedTuple):
    """Conditions that are compared with one reference, and corrected together."""

    name: str
    title: str
    reference: Condition
    members: tuple[Condition, ...]


class Claim(NamedTuple):
    """One condition does better than another."""

    better: Condition
    worse: Condition
    text: str


def _of(aggregator: str, smoothing: str = "none", alpha: float = 0.0) -> Condition:
    return make(aggregator=aggregator, smoothing=smoothing, alpha=alpha)


NETVLAD, MEAN = _of("netvlad(clusters=4)"), _of("mean")
UNIGRAM, UNIFORM = _of("mean", "unigram", 0.2), _of("mean", "uniform", 0.2)
PROPOSED = _of("netvlad(clusters=4)", "unigram", 0.2)
_OTHER_POOLINGS = {
    _of("final"): "the final output",
    _of("maximum"): "max pooling",
    MEAN: "mean pooling",
    _of("weighted"): "weighted pooling",
}
_OTHER_CLUSTERS = {_of(f"netvlad(clusters={k})"): k for k in (1, 2, 3, 5, 6, 8, 16)}
_ALPHAS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)

FAMILIES = (
    Family("Table 1", "Poolings, no smoothing", NETVLAD, tuple(_OTHER_POOLINGS)),
    Family("Figure 3", "Clusters of NetVLAD", NETVLAD, tuple(_OTHER_CLUSTERS)),
    Family(
        "Figure 5",
        "Label smoothing of mean pooling",
        MEAN,
        tuple(_of("mean", kind, a) for kind in ("uniform", "unigram") for a in _ALPHAS),
    ),
    Family("Figure 6", "Uniform or unigram smoothing", UNIGRAM, (UNIFORM,)),
    Family("Table 2", "The system and its parts", PROPOSED, (NETVLAD, UNIGRAM, MEAN)),
)

CLAIMS = (
    *(
        Claim(NETVLAD, pooling, f"NetVLAD beats {name}")
        for pooling, name in _OTHER_POOLINGS.items()
    ),
    *(
        Claim(NETVLAD, condition, f"K = 4 clusters beat K = {k}")
        for condition, k in _OTHER_CLUSTERS.items()
    ),
    Claim(UNIFORM, MEAN, "Uniform smoothing at 0.2 beats none"),
    Claim(UNIGRAM, MEAN, "Unigram smoothing at 0.2 beats none"),
    Claim(UNIGRAM, UNIFORM, "Unigram smoothing beats uniform smoothing, both at 0.2"),
    Claim(PROPOSED, NETVLAD, "NetVLAD with unigram smoothing beats NetVLAD without"),
    Claim(PROPOSED, UNIGRAM, "NetVLAD beats mean pooling, both with unigram smoothing"),
    Claim(PROPOSED, MEAN, "The proposed system beats mean pooling without smoothing"),
)

# The UA that it prints for a condition of its own settings.
PUBLISHED = {
    _of("final"): 0.538,  # Table 1
    _of("maximum"): 0.568,
    MEAN: 0.596,
    _of("weighted"): 0.603,
    NETVLAD: 0.626,
    UNIFORM: 0.614,  # Figure 5
    UNIGRAM: 0.620,
    PROPOSED: 0.635,  # Table 2
}


def proposes(condition: Condition) -> bool:
    """Returns whether a condition is the system that the paper proposes, of whatever
    epochs."""
    return replace(condition, epochs=PROPOSED.epochs) == PROPOSED
