"""Systems of other authors as conditions: those that Table 2 of Huang et al. 2020 has
beside its own.

They follow their papers as far as these say, see docs/rivals.md. Two were known by
their abstracts alone: there sizes are ours.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from vladser.condition import Condition, distinct_names, make, settings, text


class System(NamedTuple):
    """A system as its paper describes it, and what Table 2 cites of it.

    Attributes:
      name: of the system and its authors.
      condition: how it is trained.
      cited: the UA in Table 2, a share.
      provenance: what that figure is really of.
    """

    name: str
    condition: Condition
    cited: float
    provenance: str


DNN_ELM = System(
    "DNN-ELM, Han et al. 2014",
    make(
        features="han30",
        pieces="loudest(frames=25,share=0.1)",
        encoder="none",
        aggregator="stack(frames=25)",
        head="dense(units=256,layers=3)",
        smoothing="none",
        noise=0.0,
        dropout=0.0,
        optimizer="sgd(momentum=0.9)",
        batch_size=128,
        readout="elm(hidden=120)",
    ),
    0.521,
    "a run of Lee and Tashev 2015: UA of improvised speech alone, 5 folds by session, "
    "all settings chosen by the other speaker of the tested session. Han et al. "
    "themselves give 48.2 of five classes",
)
ATTENTIVE_CNN = System(
    "Attentive CNN, Neumann and Vu 2017",
    make(
        features="logmel(bands=26)",
        pieces="first(frames=750)",
        encoder="convolution(width=10,filters=200)",
        aggregator="attentive_maximum(pool=30,stride=3)",
        objective="views(weight=0.3)",
        noise=0.0,
        optimizer="adam",
    ),
    0.561,
    "their figure; from memory, since the text was not at hand: of all speech, 5 folds "
    "by session; whether it is UA or accuracy is not known",
)
FRAME_LSTM = System(
    "Frame LSTM, Fayek et al. 2017",
    make(
        features="logmel(bands=40)",
        pieces="windows(frames=200,hop=100,silence=30.0)",
        encoder="lstm(cells=256,layers=2)",
        aggregator="final",
        smoothing="none",
        noise=0.0,
        optimizer="rmsprop(decay=0.99,clip=5.0)",
        batch_size=256,
    ),
    0.581,
    "the recall of single FRAMES of five classes, silence among them, of the eight "
    "speakers of sessions 1 to 4, settings chosen on session 5; for utterances they "
    "give 58.3, of their convolutional network",
)
TRIPLET_LSTM = System(
    "Triplet LSTM, Huang et al. 2018",
    make(
        aggregator="mean",
        head="dense(units=64,layers=1)",
        objective="triplet(weight=1.0,margin=0.2)",
        readout="svm(cost=1.0)",
    ),
    0.604,
    "their figure; from memory, since the text was not at hand: of the same classes "
    "and held-out speakers",
)
SYSTEMS = (DNN_ELM, ATTENTIVE_CNN, FRAME_LSTM, TRIPLET_LSTM)

# What may differ from the system that a condition is called by.
_FREE = {"features", "encoder", "cells", "noise", "dropout", "learning_rate"}
_FREE |= {"batch_size", "epochs"}
_EMOTION_ALONE = make(smoothing="none").objective


def single_view(condition: Condition) -> Condition:
    """Returns the condition as it is trained where no utterance has activation or
    valence: an objective of these becomes the cross-entropy of the emotion."""
    if condition.objective.name != "views":
        return condition
    return replace(condition, objective=_EMOTION_ALONE)


def find(condition: Condition) -> System | None:
    """Returns the system that a condition is, perhaps on other features, of other sizes
    or trained otherwise."""
    return next((s for s in SYSTEMS if _differing(condition, s) is not None), None)


def names(conditions: Sequence[Condition]) -> list[str]:
    """Returns names that tell conditions apart: a system is called by its authors and
    by what differs from their description."""
    plain = distinct_names([c for c in conditions if not find(c)])
    shared = {"epochs"} if len({c.epochs for c in conditions}) == 1 else set[str]()
    named = []
    for condition in conditions:
        if system := find(condition):
            differing = _differing(condition, system) or {}
            words = (word for name, word in differing.items() if name not in shared)
            named.append(", ".join([system.name, *words]))
        else:
            named.append(plain.pop(0))
    return named


def _differing(condition: Condition, system: System) -> dict[str, str] | None:
    """Returns what differs from a system, in words by setting; None for another one."""
    theirs, words = system.condition, dict[str, str]()
    if condition.objective == single_view(theirs).objective != theirs.objective:
        theirs, words = single_view(theirs), {"objective": "single view"}
    own, described = settings(condition), settings(theirs)
    differing = [n for n in {**described, **own} if own.get(n) != described.get(n)]
    alike = condition.encoder.name == theirs.encoder.name
    if not (alike and _FREE.issuperset(differing)):
        return None
    for name in differing:
        words[name] = f"{name.replace('_', ' ')} {text(own.get(name))}"
    return words
