"""What an experiment trains: conditions x folds x seeds."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from vladser import condition
from vladser.condition import Condition
from vladser.data import batches, folds
from vladser.data.batches import Plan
from vladser.errors import InputError
from vladser.types import Dataset, Fold, Spec


class Design(NamedTuple):
    """An experiment: every condition, trained on every fold with every seed.

    Attributes:
      datasets: one a condition; conditions of the same features share one. All have the
        same utterances in the same order.
      conditions, folds, seeds: what is combined.
      standardize: "train" (by the fold's training frames) or "speaker" (each speaker by
        their own frames: transductive).
      validation: whether the parameters of the epoch with the best UA on the fold's
        validation part are tested, the earliest on ties, instead of the last epoch's.
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
        return condition.names_among(self.conditions)

    def specification(self, place: int) -> Spec:
        """Returns what the compiled program of a condition depends on."""
        dataset = self.datasets[place]
        dim, classes = dataset.frames.shape[1], len(dataset.emotions)
        return condition.specification(self.conditions[place], dim, classes)

    def plan(self, place: int) -> Plan:
        """Returns the schedule of a condition."""
        lengths, chosen = self.datasets[place].length, self.conditions[place]
        options = chosen.epochs, chosen.batch_size
        return batches.plan(lengths, self.folds, self.seeds, *options)

    def programs(self) -> list[list[int]]:
        """Returns the places of the conditions that can be trained at once: they share
        the compiled program, the dataset and the schedule."""
        members: dict[tuple, list[int]] = {}
        for place, chosen in enumerate(self.conditions):
            schedule = chosen.epochs, chosen.batch_size, self.datasets[place]
            members.setdefault((self.specification(place), *schedule), []).append(place)
        return list(members.values())


def check(design: Design, together: Collection[int]) -> None:
    """Checks that conditions of a design can be trained at once.

    Args:
      design: the experiment.
      together: the places of the conditions.

    Raises:
      InputError: an unknown `standardize`, a fold without utterances to validate on, or
        conditions that do not share a program, a dataset and a schedule.
    """
    if design.standardize not in folds.STANDARDIZE:
        known, got = ", ".join(folds.STANDARDIZE), design.standardize
        raise InputError(f"standardize: expected one of {known}, got {got!r}")
    for fold in design.folds if design.validation else []:
        if not len(fold.validation):
            raise InputError(f"{fold.held_out}: expected utterances to validate on")
    if not any(set(together) <= set(places) for places in design.programs()):
        raise InputError("the conditions do not share one program: train them in turn")
