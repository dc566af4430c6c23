"""The schedule of a training: which utterances share a minibatch.

Utterances of similar length share a minibatch, since a row is padded to the longest of
the rows beside it, and the i-th minibatches of all folds are almost alike in length,
since these run together.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vladser.types import Fold

JITTER = 0.1  # of the lengths by which an epoch sorts its rows: epochs differ by it
UNIT = 8  # rows: minibatches are as equal in size as multiples of it allow


class Plan(NamedTuple):
    """The schedule of some folds and seeds.

    Attributes:
      lengths: [N] frames of each utterance.
      folds, seeds: what is trained: each fold with each seed.
      epochs, batch_size: as usual; a minibatch has at most `batch_size` rows.
      steps: of an epoch; those of the fold that has most.
    """

    lengths: np.ndarray
    folds: Sequence[Fold]
    seeds: Sequence[int]
    epochs: int
    batch_size: int
    steps: int

    def only(self, seeds: Sequence[int], folds: Sequence[int]) -> "Plan":
        """Returns the schedule of some trials, by their places in `seeds` and `folds`;
        it is the same as among all."""
        return self._replace(
            seeds=[self.seeds[place] for place in seeds],
            folds=[self.folds[place] for place in folds],
        )

    def epoch(self, epoch: int) -> Iterator[np.ndarray]:
        """Draws the steps of an epoch, counted from 1: anew for each seed and epoch.

        Yields:
          int32 [seeds, folds, batch_size], in each minibatch the longest utterance
          first; -1 is an empty row.
        """
        rows = [self._minibatches(seed, epoch) for seed in self.seeds]
        for step in range(self.steps):
            yield np.stack([of_seed[:, step] for of_seed in rows])

    def evaluation(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Cuts the "validation" or "test" set of each fold into minibatches.

        Yields:
          The rows, as `epoch` does, and the place of each in its fold's set.
        """
        sets = [getattr(fold, name) for fold in self.folds]
        steps = max(_count(len(utterances), self.batch_size) for utterances in sets)
        shape = len(sets), steps * self.batch_size
        rows, places = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        for fold, utterances in enumerate(sets):
            order = np.argsort(-self.lengths[utterances], kind="stable")
            places[fold, : len(order)] = order
            rows[fold, : len(order)] = utterances[order]
        for step in range(steps):
            now = slice(step * self.batch_size, (step + 1) * self.batch_size)
            alike = [len(self.seeds), 1, 1]  # for all seeds
            yield np.tile(rows[:, now], alike), np.tile(places[:, now], alike)

    def training_frames(self) -> int:
        """Returns the real frames of an epoch's training rows, all trials together."""
        once = sum(int(self.lengths[fold.train].sum()) for fold in self.folds)
        return once * len(self.seeds)

    def _minibatches(self, seed: int, epoch: int) -> np.ndarray:
        """[folds, steps, batch_size]: each fold's training rows, each once."""
        draw = np.random.default_rng((seed, epoch))
        jitter = JITTER * draw.uniform(-1, 1, len(self.lengths))
        # One order for all folds: their i-th minibatches are almost alike in length.
        order = np.argsort(-self.lengths * (1 + jitter), kind="stable")
        # Drawn alike for all folds, so that a fold's rows do not depend on the others.
        sizes_order, steps = draw.permutation(self.steps), draw.permutation(self.steps)
        cut = np.full((len(self.folds), self.steps, self.batch_size), -1, np.int32)
        for minibatches, fold in zip(cut, self.folds, strict=True):
            sizes = _sizes(len(fold.train), self.batch_size)
            # A length must not be tied to the size of its minibatch.
            sizes = [sizes[place] for place in sizes_order if place < len(sizes)]
            trained = np.zeros(len(order), bool)
            trained[fold.train] = True
            rows = np.split(order[trained[order]], np.cumsum(sizes)[:-1])
            for minibatch, part in zip(minibatches, rows, strict=False):
                minibatch[: len(part)] = part
        length = np.where(cut >= 0, self.lengths[cut], -1)
        by_length = np.argsort(-length, axis=-1, kind="stable")
        return np.take_along_axis(cut, by_length, axis=-1)[:, steps]


def plan(
    lengths: np.ndarray,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    epochs: int,
    batch_size: int,
) -> Plan:
    """Plans a whole run; the arguments are the attributes of a Plan. Minibatches are no
    larger than the largest training set."""
    batch_size = min(batch_size, max(len(fold.train) for fold in folds))
    steps = max(_count(len(fold.train), batch_size) for fold in folds)
    return Plan(lengths, folds, seeds, epochs, batch_size, steps)


def _count(rows: int, batch_size: int) -> int:
    return -(-rows // batch_size)


def _sizes(rows: int, batch_size: int) -> list[int]:
    """Returns the sizes of the minibatches of that many rows: as few as possible, and
    multiples of UNIT that differ by one UNIT at most; one lacks what rounding adds."""
    steps, unit = max(1, _count(rows, batch_size)), 1 if batch_size % UNIT else UNIT
    units = _count(rows, unit)
    sizes = [unit * (units // steps + (step < units % steps)) for step in range(steps)]
    sizes[0] -= sum(sizes) - rows  # it is one of the larger
    return sizes
