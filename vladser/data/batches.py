"""The schedule of a training: which utterances share a minibatch.

Utterances of similar length share a minibatch, for a row is padded to the longest of
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

    def part(self, seeds: Sequence[int], folds: Sequence[int]) -> "Plan":
        """Returns the schedule of some trials, the same as it is among all.

        Args:
          seeds, folds: places in `seeds` and `folds`.
        """
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

    def evaluation(self, part: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Cuts a part ("validation" or "test") of each fold into minibatches.

        Yields:
          The rows, as `epoch` does, and the place of each in its fold's part.
        """
        rows, places = [], []
        for fold in self.folds:
            utterances = getattr(fold, part)
            order = np.argsort(-self.lengths[utterances], kind="stable")
            rows.append(utterances[order])
            places.append(order)
        steps = max(_count(len(order), self.batch_size) for order in places)

        def minibatches(of_folds):
            sizes = [self.batch_size] * steps
            cut = [_cut(rows, sizes, steps, self.batch_size) for rows in of_folds]
            return np.stack(cut, axis=1)

        for step in zip(minibatches(rows), minibatches(places), strict=True):
            rows_here, places_here = (np.stack([x] * len(self.seeds)) for x in step)
            yield rows_here, places_here

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
        sizes, steps = draw.permutation(self.steps), draw.permutation(self.steps)
        cut = np.stack(
            [
                _cut(
                    order[np.isin(order, fold.train)],
                    _shuffled(_sizes(len(fold.train), self.batch_size), sizes),
                    self.steps,
                    self.batch_size,
                )
                for fold in self.folds
            ]
        )
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
    """Plans a whole run; the arguments are the attributes of a Plan."""
    steps = max(_count(len(fold.train), batch_size) for fold in folds)
    return Plan(lengths, folds, seeds, epochs, batch_size, steps)


def _count(rows: int, batch_size: int) -> int:
    return -(-rows // batch_size)


def _sizes(rows: int, batch_size: int) -> list[int]:
    """The sizes of the minibatches of so many rows: as few as possible, and multiples
    of UNIT that differ by one UNIT at most; what rounding adds is taken off one."""
    if not rows:
        return []
    steps, unit = _count(rows, batch_size), 1 if batch_size % UNIT else UNIT
    units = _count(rows, unit)
    sizes = [unit * (units // steps + (step < units % steps)) for step in range(steps)]
    sizes[0] -= sum(sizes) - rows  # it is one of the larger
    return sizes


def _shuffled(sizes: list[int], order: np.ndarray) -> list[int]:
    """A length must not be tied to the size of its minibatch."""
    return [sizes[place] for place in order if place < len(sizes)]


def _cut(
    rows: np.ndarray, sizes: Sequence[int], steps: int, batch_size: int
) -> np.ndarray:
    """[n] -> [steps, batch_size], filled up with -1."""
    cut, start = np.full((steps, batch_size), -1, np.int32), 0
    for step, size in enumerate(sizes):
        part = rows[start : start + size]
        cut[step, : len(part)] = part
        start += size
    return cut
