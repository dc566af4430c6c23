"""The trials of an experiment: conditions x folds x seeds as arrays.

The rectangle is [seeds, conditions x folds]: condition by condition, and in each of
them fold by fold.
"""

from collections.abc import Sequence
from functools import lru_cache, partial

import jax
import numpy as np

from vladser.condition import Condition
from vladser.data import dataset
from vladser.data.dataset import Moments
from vladser.registry import objectives
from vladser.types import Dataset, Fold, Trial


@lru_cache(maxsize=1)
def standardized(data: Dataset, standardize: str) -> tuple[Dataset, Moments | None]:
    """Returns a dataset and the moments by which `rectangle` standardizes it, None if
    each speaker is standardized already; kept for the next batch of the same dataset.
    """
    if standardize == "speaker":
        return dataset.standardize_by_speaker(data), None
    return data, dataset.moments(data)


def rectangle(
    data: Dataset,
    moments: Moments | None,
    conditions: Sequence[Condition],
    folds: Sequence[Fold],
    seeds: Sequence[int],
) -> Trial:
    """Makes the trials, each array [seeds, conditions x folds, ...].

    The scaler, and what of the objective's data depends on class shares, see only the
    training rows of a trial's fold.

    Args:
      data, moments: see `standardized`.
      conditions, folds, seeds: what is combined.
    """
    if moments:
        scalers = [dataset.scaler(moments, fold.train) for fold in folds]
    else:
        ones = np.ones(data.frames.shape[1], np.float32)
        scalers = [(0 * ones, ones)] * len(folds)
    labels, classes = [data.label[fold.train] for fold in folds], len(data.emotions)
    number = partial(np.array, dtype=np.float32)
    row = [
        Trial(
            seed=np.array(0, np.int32),
            mean=mean,
            scale=scale,
            noise=number(condition.noise),
            dropout=number(condition.dropout),
            objective=objectives.build(condition.objective).prepare(label, classes),
            optimizer={name: number(x) for name, x in condition.optimizer.options},
        )
        for condition in conditions
        for label, (mean, scale) in zip(labels, scalers, strict=True)
    ]

    def spread(*leaves):
        return np.stack([np.stack(leaves)] * len(seeds))

    trials = jax.tree.map(spread, *row)
    seed = np.broadcast_to(np.array(seeds, np.int32)[:, None], trials.seed.shape)
    return trials._replace(seed=seed)
