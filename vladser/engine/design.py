"""What an experiment trains: conditions x folds x seeds, and its trials as arrays.

Trials form a rectangle [seeds, conditions x folds]: condition by condition, and in each
of them fold by fold.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import jax
import numpy as np

from vladser import condition, systems
from vladser.condition import Condition
from vladser.data import batches, cutting, dataset, folds
from vladser.data.batches import Plan
from vladser.data.cutting import Rows
from vladser.data.dataset import Moments
from vladser.errors import InputError
from vladser.registry import objectives
from vladser.types import Dataset, Fold, Spec, Trial


@dataclass(frozen=True, eq=False)
class Design:
    """An experiment: every condition, trained on every fold with every seed.

    Attributes:
      datasets: one a condition; conditions of the same features share one. All have the
        same utterances in the same order.
      conditions, folds, seeds: what is combined.
      standardize: "train" (by the fold's training frames) or "speaker" (each speaker by
        their own frames: transductive).
      validation: whether the parameters of the epoch with the best UA on the fold's
        validation set are tested, the earliest on ties, instead of the last epoch's.
    """

    datasets: Sequence[Dataset]
    conditions: Sequence[Condition]
    folds: Sequence[Fold]
    seeds: Sequence[int]
    standardize: str = "train"
    validation: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """Seeds, conditions and folds."""
        return len(self.seeds), len(self.conditions), len(self.folds)

    @property
    def names(self) -> list[str]:
        """What the conditions are called among each other."""
        return _names(tuple(self.conditions))

    def rows(self, place: int) -> Rows:
        """Returns what a condition is trained on and evaluated by."""
        return cutting.cut(self.datasets[place], self.conditions[place].pieces)

    def specification(self, place: int) -> Spec:
        """Returns what the compiled program of a condition depends on."""
        data = self.rows(place).data
        dim, classes = data.frames.shape[1], len(data.emotions)
        return condition.specification(self.conditions[place], dim, classes)

    def plan(self, place: int) -> Plan:
        """Returns the schedule of a condition: the folds of its rows."""
        mine, chosen = self.rows(place), self.conditions[place]
        options = chosen.epochs, chosen.batch_size
        folds = mine.folds(self.folds)
        return batches.plan(mine.data.length, folds, self.seeds, *options)

    def programs(self) -> list[list[int]]:
        """Returns the places of the conditions that can be trained at once: they share
        the compiled program, the rows and the schedule."""
        members: dict[tuple, list[int]] = {}
        for place, chosen in enumerate(self.conditions):
            rows = self.datasets[place], chosen.pieces
            schedule = chosen.epochs, chosen.batch_size, *rows
            members.setdefault((self.specification(place), *schedule), []).append(place)
        return list(members.values())

    def check(self, together: Collection[int]) -> None:
        """Checks that the conditions at some places can be trained at once.

        Raises:
          InputError: an unknown `standardize`, a fold without utterances to validate
            on, or conditions that do not share a program, rows and a schedule.
        """
        if self.standardize not in folds.STANDARDIZE:
            known, got = ", ".join(folds.STANDARDIZE), self.standardize
            raise InputError(f"standardize: expected one of {known}, got {got!r}")
        for fold in self.folds if self.validation else []:
            if not len(fold.validation):
                raise InputError(f"{fold.held_out}: expected utterances to validate on")
        if not any(set(together) <= set(places) for places in self.programs()):
            raise InputError("the conditions do not share one program: run each alone")


_names = lru_cache(maxsize=1)(systems.names)  # since each epoch is logged by them


@lru_cache(maxsize=1)
def standardized(design: Design, data: Dataset) -> tuple[Dataset, Moments | None]:
    """Returns one of the datasets of a design and the moments by which `rectangle`
    standardizes it, None if each speaker is standardized already; kept for the next
    batch of the same dataset."""
    if design.standardize == "speaker":
        return dataset.standardize_by_speaker(data), None
    return data, dataset.moments(data, [fold.train for fold in design.folds])


def rectangle(
    data: Dataset,
    moments: Moments | None,
    conditions: Sequence[Condition],
    folds: Sequence[Fold],
    seeds: Sequence[int],
) -> Trial:
    """Makes the trials, each array [seeds, conditions x folds, ...].

    The scaler, and what of the objective's data depends on class shares, see only the
    training set of a trial's fold; `moments` are those of `standardized`.
    The scaler is of utterances, since their pieces may overlap; class shares are those
    of the pieces, into which the conditions cut alike.
    """
    if moments:
        scalers = [dataset.scaler(moments, fold.train) for fold in folds]
    else:
        ones = np.ones(data.frames.shape[1], np.float32)
        scalers = [(0 * ones, ones)] * len(folds)
    mine = cutting.cut(data, conditions[0].pieces)
    labels = [mine.data.label[fold.train] for fold in mine.folds(folds)]
    classes = len(mine.data.emotions)
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
