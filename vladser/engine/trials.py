"""The trials of an experiment: conditions x folds x seeds as arrays.

The rectangle is [seeds, conditions x folds]: condition by condition, and in each of
them fold by fold.
"""

from collections.abc import Sequence

import jax
import numpy as np

from vladser import condition
from vladser.condition import Condition
from vladser.data import dataset
from vladser.data.dataset import Moments
from vladser.errors import InputError
from vladser.registry import objectives
from vladser.types import Dataset, Fold, Spec, Trial


def specification(corpus: Dataset, conditions: Sequence[Condition]) -> Spec:
    """What the compiled program of these conditions depends on.

    Raises:
      InputError: they do not share one program.
    """
    dim, classes = corpus.frames.shape[1], len(corpus.emotions)
    specs = {condition.specification(one, dim, classes) for one in conditions}
    if len(specs) != 1:
        raise InputError(f"{len(specs)} programs asked for as one: run them in turn")
    return specs.pop()


def rectangle(
    corpus: Dataset,
    moments: Moments | None,
    conditions: Sequence[Condition],
    folds: Sequence[Fold],
    seeds: Sequence[int],
) -> Trial:
    """The trials, each field [seeds, conditions x folds, ...].

    Scaler, prior and what else hangs on class shares see the training rows of a trial's
    fold alone.

    Args:
      moments: of the corpus; None where it is standardized already (see
        `dataset.standardize_by_speaker`) and the scaler is to leave it as it is.
    """
    if moments:
        scalers = [dataset.scaler(moments, fold.train) for fold in folds]
    else:
        ones = np.ones(corpus.frames.shape[1], np.float32)
        scalers = [(0 * ones, ones)] * len(folds)
    labels, classes = [corpus.label[f.train] for f in folds], len(corpus.emotions)
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


def name(
    conditions: Sequence[Condition],
    folds: Sequence[Fold],
    seeds: Sequence[int],
    place: tuple[int, int],
) -> str:
    """What to call the trial at a place [seed, condition x fold] of the rectangle."""
    condition, fold = divmod(place[1], len(folds))
    held_out = folds[fold].held_out
    return f"{conditions[condition].name}, seed {seeds[place[0]]}, held out {held_out}"
