"""The results of an experiment's trials, merged from batches."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vladser.engine.design import Design
from vladser.engine.trial_batches import TrialBatch


class Results(NamedTuple):
    """The results of some trials, or of all.

    Axes [seeds, conditions, folds] come first; where conditions differ in how long they
    are trained, `loss` and `validation_ua` end in NaN.
    """

    epoch: np.ndarray  # [...] whose parameters were tested, from 1
    failed: np.ndarray  # [..., 2] epoch and step, from 1, of a failure; 0 without
    loss: np.ndarray  # [..., epochs]
    validation_ua: np.ndarray  # [..., epochs]; NaN without validation
    rows: np.ndarray  # [...] training rows that the steps were given
    leaked: np.ndarray  # [...] those of them that the fold hides
    # One a fold, [seeds, conditions, its test utterances, classes]; NaN where failed.
    probabilities: list[np.ndarray]
    # Leaves [..., ...] of the trained parameters, where an analysis needs them.
    params: list[np.ndarray]


def merge(trained: Iterable[tuple[TrialBatch, Results]], design: Design) -> Results:
    """Merges the results of batches that hold each trial of the experiment, but for
    their parameters, see `merge_params`; of a trial in two batches they are equal."""
    batches, results = zip(*trained, strict=True)
    fields = dict(zip(Results._fields, zip(*results, strict=True), strict=True))
    del fields["params"]
    tests = fields.pop("probabilities")
    seeds, conditions, _ = design.shape
    probabilities = [
        np.full((seeds, conditions, len(fold.test), tests[0][0].shape[-1]), np.nan, "f")
        for fold in design.folds
    ]
    for batch, tested in zip(batches, tests, strict=True):
        cells = np.ix_(*map(list, batch[:2]))
        for fold, of_fold in zip(batch.folds, tested, strict=True):
            probabilities[fold][cells] = of_fold
    merged = {name: _merged(design, batches, of) for name, of in fields.items()}
    return Results(**merged, probabilities=probabilities, params=[])


def merge_params(
    trained: Iterable[tuple[TrialBatch, Results]],
    design: Design,
    conditions: Sequence[int],
) -> list[np.ndarray]:
    """Merges the parameters of the conditions at some places, which share a program.

    Returns:
      Leaves [seeds, conditions, folds, ...]; none where a batch has none.
    """
    mine = [(b, r.params) for b, r in trained if set(b.conditions) <= set(conditions)]
    if not all(leaves for _, leaves in mine):
        return []
    batches, params = zip(*mine, strict=True)
    return [
        _merged(design, batches, leaves)[:, list(conditions)]
        for leaves in zip(*params, strict=True)
    ]


def _merged(design: Design, batches, arrays) -> np.ndarray:
    """Returns the arrays of batches as one of all trials; what is shorter is padded."""
    longest = np.max([array.shape[3:] for array in arrays], axis=0).astype(int)
    empty = np.nan if arrays[0].dtype.kind == "f" else 0
    whole = np.full((*design.shape, *longest), empty, arrays[0].dtype)
    for batch, array in zip(batches, arrays, strict=True):
        whole[(*np.ix_(*map(list, batch)), *map(slice, array.shape[3:]))] = array
    return whole
