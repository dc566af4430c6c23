"""From what trained networks make of pieces to the classes of utterances."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from vladser.contracts import Readout
from vladser.data.cutting import Rows
from vladser.engine import training_step
from vladser.engine.on_devices import OnDevices
from vladser.types import Fold, PyTree

Fitted = dict[str, np.ndarray]  # the parameters of a readout, none for softmax


class Reading(NamedTuple):
    """What trials say of a set of their folds.

    Attributes:
      probabilities: one array a fold, [seeds, conditions, utterances of the set,
        classes] float32; NaN of a trial that is not finite.
      fitted: [seeds][conditions][folds] of the readouts, without an array where what
        they would see is not finite.
      finite: [seeds, conditions, folds] whether what trials say is finite, and what
        their readouts are fitted to.
    """

    probabilities: list[np.ndarray]
    fitted: list[list[list[Fitted]]]
    finite: np.ndarray


def read(
    on_devices: OnDevices,
    rows: Rows,
    folds: Sequence[Fold],
    readouts: Sequence[Readout],
    params: PyTree,
    name: str,
) -> Reading:
    """Reads trials out on a set of their folds, "validation" or "test".

    A readout that is fitted sees the training set of the fold.

    Args:
      on_devices: the trials, of conditions and folds with each seed.
      rows: the pieces that these are of.
      folds: of the utterances.
      readouts: one a condition.
      params: [seeds, trials, ...].
      name: of the set.
    """

    @cache
    def values(representations: bool, name: str) -> list[np.ndarray]:
        walks = training_step.predict, training_step.represent
        return on_devices.evaluate(walks[representations], params, name)

    def describe(name: str, seed: int, condition: int, fold: int) -> np.ndarray:
        readout, utterances = readouts[condition], getattr(folds[fold], name)
        pieces = getattr(on_devices.plan.folds[fold], name)
        of_pieces = values(readout.representations, name)[fold][seed, condition]
        place = np.zeros(len(rows.labels), int)
        place[utterances] = np.arange(len(utterances))
        return readout.describe(of_pieces, place[rows.parent[pieces]], len(utterances))

    seeds, conditions = on_devices.shape[0], on_devices.conditions
    shape = seeds, conditions, len(folds)
    fitted: list = [[[{} for _ in folds] for _ in readouts] for _ in range(seeds)]
    probabilities = [
        np.full((seeds, conditions, len(getattr(fold, name)), rows.classes), np.nan)
        for fold in folds
    ]
    finite = np.ones(shape, bool)
    for seed, condition, fold in np.ndindex(shape):
        here, readout = (seed, condition, fold), readouts[condition]
        if readout.fit:
            known, labels = describe("train", *here), rows.labels[folds[fold].train]
            finite[here] = np.isfinite(known).all()
            if not finite[here]:
                continue
            given = on_devices.plan.seeds[seed], known, labels, rows.classes
            fitted[seed][condition][fold] = readout.fit(*given)
        if len(getattr(folds[fold], name)):
            read = readout, fitted[seed][condition][fold], describe(name, *here)
            said = conclude(*read, rows.classes)
            probabilities[fold][seed, condition] = said
            finite[here] = np.isfinite(said).all()
    return Reading([p.astype(np.float32) for p in probabilities], fitted, finite)


def conclude(
    readout: Readout, fitted: Fitted, vectors: np.ndarray, classes: int
) -> np.ndarray:
    """Returns the probabilities [N, classes] of utterances from their vectors, see
    `Readout.describe`. Those of scores are their softmax: only their order means
    something. Silence, where it is a class, is left out."""
    if readout.scores:
        scores = readout.scores(fitted, vectors)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    elif vectors.shape[1] == classes:
        return vectors  # as they are, to the bit
    else:
        odds = vectors[:, :classes] + np.finfo(np.float32).tiny
    return odds / odds.sum(axis=1, keepdims=True)
