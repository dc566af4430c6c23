"""The trials of an experiment: conditions x folds x seeds as arrays.

The rectangle is [seeds, conditions x folds]: condition by condition, and in each of
them fold by fold.
"""

from collections.abc import Sequence

import jax
import numpy as np

from vladser.condition import Condition
from vladser.data import dataset
from vladser.data.dataset import Moments
from vladser.engine.design import Design
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import InputError
from vladser.registry import objectives
from vladser.types import Dataset, Fold, Spec, Trial


def specification(whole: Design, batch: TrialBatch | None = None) -> Spec:
    """Returns what the compiled program of a batch depends on.

    Raises:
      InputError: its conditions do not share a program, a dataset and a schedule.
    """
    places = batch.conditions if batch else range(len(whole.conditions))
    for together in whole.programs():
        if set(places) <= set(together):
            return whole.specification(together[0])
    raise InputError("the conditions do not share one program: train them in turn")


def rectangle(
    data: Dataset,
    moments: Moments | None,
    conditions: Sequence[Condition],
    folds: Sequence[Fold],
    seeds: Sequence[int],
) -> Trial:
    """Makes the trials, each array [seeds, conditions x folds, ...].

    The scaler, and what of the objective's data hangs on class shares, see the training
    rows of a trial's fold alone.

    Args:
      data: what they are trained on.
      moments: of `data`; None where it is standardized already (see
        `dataset.standardize_by_speaker`) and the scaler is to leave it as it is.
      conditions, folds, seeds: what is combined.
    """
    if moments:
        scalers = [dataset.scaler(moments, fold.train) for fold in folds]
    else:
        ones = np.ones(data.frames.shape[1], np.float32)
        scalers = [(0 * ones, ones)] * len(folds)
    labels, classes = [data.label[fold.train] for fold in folds], len(data.emotions)
    column = [
        Trial(
            seed=np.array(0, np.int32),
            mean=mean,
            scale=scale,
            noise=np.array(one.noise, np.float32),
            dropout=np.array(one.dropout, np.float32),
            objective=objectives.build(one.objective).prepare(label, classes),
            optimizer={
                name: np.array(value, np.float32)
                for name, value in one.optimizer.options
            },
        )
        for one in conditions
        for label, (mean, scale) in zip(labels, scalers, strict=True)
    ]

    def spread(*leaves):
        row = np.stack(leaves)
        return np.broadcast_to(row, (len(seeds), *row.shape))

    trials = jax.tree.map(spread, *column)
    seed = np.broadcast_to(np.array(seeds, np.int32)[:, None], trials.seed.shape)
    return trials._replace(seed=seed)


def rows(rows: np.ndarray, conditions: int) -> np.ndarray:
    """The rows of the trials [seeds, conditions x folds, B] from those of the folds
    [seeds, folds, B]."""
    return np.tile(rows, (1, conditions, 1))
