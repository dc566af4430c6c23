"""The row schedule: which utterances share a minibatch.

Utterances of similar length share a minibatch, for a row is padded to the longest of
the rows beside it, and the i-th minibatches of all trainings are almost alike in
length, for these run together.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vladser.types import Fold

JITTER = 0.1  # of the lengths by which an epoch sorts its rows: epochs differ by it


class Plan(NamedTuple):
    """The schedule of a run, or of a part of its trainings."""

    lengths: np.ndarray  # [N] frames of each utterance
    folds: Sequence[Fold]
    seeds: Sequence[int]
    epochs: int
    batch_size: int
    steps: int  # of an epoch: those of the fold that has most

    def part(self, seeds: Sequence[int], folds: Sequence[int]) -> "Plan":
        """The schedule of some trainings, the same as it is among all.

        Args:
          seeds, folds: places in `seeds` and `folds`.
        """
        return self._replace(
            seeds=[self.seeds[place] for place in seeds],
            folds=[self.folds[place] for place in folds],
        )

    def epoch(self, epoch: int) -> Iterator[np.ndarray]:
        """The steps of an epoch, counted from 1, in an order that is shuffled anew for
        each epoch and alike for all trainings.

        Yields:
          int32 [seeds, folds, batch_size], in each minibatch the longest utterance
          first; -1 is an empty row.
        """
        rows = [self._minibatches(seed, epoch) for seed in self.seeds]
        for step in np.random.default_rng(epoch).permutation(self.steps):
            yield np.stack([of_seed[:, step] for of_seed in rows])

    def evaluation(self, part: str) -> Iterator[np.ndarray]:
        """All utterances of a part ("validation" or "test") of each fold, once; yields
        what `epoch` does."""
        order = np.argsort(-self.lengths, kind="stable")
        rows = [_within(order, getattr(fold, part)) for fold in self.folds]
        steps = max(_count(of_fold, self.batch_size) for of_fold in rows)
        cut = np.stack([_cut(of_fold, steps, self.batch_size) for of_fold in rows])
        for step in range(steps):
            yield np.stack([cut[:, step]] * len(self.seeds))

    def training_frames(self) -> int:
        """Real frames of the live training rows of an epoch, all trainings together."""
        once = sum(int(self.lengths[fold.train].sum()) for fold in self.folds)
        return once * len(self.seeds)

    def _minibatches(self, seed: int, epoch: int) -> np.ndarray:
        """[folds, steps, batch_size]: each fold's training rows, each once."""
        draw = np.random.default_rng((seed, epoch)).uniform(-1, 1, len(self.lengths))
        # One order for all folds: their i-th minibatches are almost alike in length.
        # Longest first, so that the partial minibatch is the shortest, in time too.
        order = np.argsort(-self.lengths * (1 + JITTER * draw), kind="stable")
        rows = np.stack(
            [
                _cut(_within(order, fold.train), self.steps, self.batch_size)
                for fold in self.folds
            ]
        )
        length = np.where(rows >= 0, self.lengths[rows], -1)
        by_length = np.argsort(-length, axis=-1, kind="stable")
        return np.take_along_axis(rows, by_length, axis=-1)


def plan(
    lengths: np.ndarray,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    epochs: int,
    batch_size: int,
) -> Plan:
    """Plans a whole run; lengths [N] are the frames of each utterance."""
    steps = max(_count(fold.train, batch_size) for fold in folds)
    return Plan(lengths, folds, seeds, epochs, batch_size, steps)


def _within(order: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return order[np.isin(order, rows)]


def _count(rows: np.ndarray, batch_size: int) -> int:
    return -(-len(rows) // batch_size)


def _cut(rows: np.ndarray, steps: int, batch_size: int) -> np.ndarray:
    """[n] -> [steps, batch_size], filled up with -1."""
    cut = np.full((steps, batch_size), -1, np.int32)
    cut.flat[: len(rows)] = rows
    return cut
