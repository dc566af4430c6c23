"""The row schedule: which utterances share a minibatch, and how long it is.

Utterances of similar length share a minibatch, and the i-th minibatches of all
trainings run together, padded to a common length out of a small set: each length is a
program to compile.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from vladser.lstm import CHUNK
from vladser.types import Fold

JITTER = 0.1  # of the lengths by which an epoch sorts its rows: epochs differ by it
SHAPES = 6  # programs at most


class Step(NamedTuple):
    """What all trainings do at once."""

    rows: np.ndarray  # int32 [seeds, folds, batch_size]; -1 is an empty row
    length: int  # frames that every row is padded to


class Plan(NamedTuple):
    """The schedule of a run, or of a part of its trainings."""

    lengths: np.ndarray  # [N] frames of each utterance
    folds: Sequence[Fold]
    seeds: Sequence[int]
    epochs: int
    batch_size: int
    shapes: np.ndarray  # the common lengths, ascending
    whole: "Plan | None" = None  # of which this is a part
    places: tuple = (slice(None), slice(None))  # of its seeds and folds in the whole

    def part(self, seeds: Sequence[int], folds: Sequence[int]) -> "Plan":
        """The schedule of some trainings as it is among all: to the bit, a training
        does not depend on what runs beside it.

        Args:
          seeds, folds: places in `seeds` and `folds` of a whole plan.
        """
        assert self.whole is None, "a part of a part"
        return self._replace(
            folds=[self.folds[place] for place in folds],
            seeds=[self.seeds[place] for place in seeds],
            whole=self,
            places=np.ix_(seeds, folds),
        )

    def epoch(self, epoch: int) -> Iterator[Step]:
        """The steps of an epoch, counted from 1, in an order that is shuffled anew for
        each epoch and alike for all trainings."""
        rows = (self.whole or self)._rows(epoch)
        order = np.random.default_rng(epoch).permutation(rows.shape[2])
        return self._steps(rows, order)

    def evaluation(self, part: str) -> Iterator[Step]:
        """All utterances of a part ("validation" or "test") of each fold, once."""
        whole = self.whole or self
        order = np.argsort(-self.lengths, kind="stable")
        rows = [
            _cut(_within(order, getattr(fold, part)), self.batch_size)
            for fold in whole.folds
        ]
        rows = np.stack([_stack(rows)] * len(whole.seeds))
        return self._steps(rows, range(rows.shape[2]))

    def steps(self) -> int:
        """Steps of an epoch."""
        return (self.whole or self)._rows(1).shape[2]

    def training_frames(self) -> int:
        """Real frames of the live training rows of an epoch, all trainings together."""
        once = sum(int(self.lengths[fold.train].sum()) for fold in self.folds)
        return once * len(self.seeds)

    def _rows(self, epoch: int) -> np.ndarray:
        return _epoch_rows(self.lengths, self.folds, self.seeds, epoch, self.batch_size)

    def _steps(self, rows: np.ndarray, order: Iterable[int]) -> Iterator[Step]:
        lengths = self.shapes[
            np.searchsorted(self.shapes, _longest(self.lengths, rows))
        ]
        for step in order:
            yield Step(rows[:, :, step][self.places], int(lengths[step]))


def plan(
    lengths: np.ndarray,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    epochs: int,
    batch_size: int,
) -> Plan:
    """Plans a run: the common lengths are those that pad the run's own steps least."""
    needed = [
        _longest(lengths, _epoch_rows(lengths, folds, seeds, epoch, batch_size))
        for epoch in range(1, epochs + 1)
    ]
    # Whoever is tested may have the longest utterance of all.
    needed = _round_up(np.append(np.concatenate(needed), lengths.max()))
    shapes = _fewest_frames(needed, SHAPES)
    return Plan(lengths, folds, seeds, epochs, batch_size, shapes)


def _epoch_rows(lengths, folds, seeds, epoch, batch_size) -> np.ndarray:
    """[seeds, folds, steps, batch_size]: each fold's training rows, each once."""
    rows = []
    for seed in seeds:
        draw = np.random.default_rng((seed, epoch)).uniform(-1, 1, len(lengths))
        order = np.argsort(-lengths * (1 + JITTER * draw), kind="stable")
        # One order for all folds: their i-th minibatches are almost alike in length.
        # Longest first, so that the partial minibatch is the shortest, in time too.
        rows += [_cut(_within(order, fold.train), batch_size) for fold in folds]
    stacked = _stack(rows)
    return stacked.reshape(len(seeds), len(folds), *stacked.shape[1:])


def _within(order: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return order[np.isin(order, rows)]


def _cut(rows: np.ndarray, batch_size: int) -> np.ndarray:
    """[n] -> [ceil(n / batch_size), batch_size], filled up with -1."""
    steps = -(-len(rows) // batch_size)
    cut = np.full((steps, batch_size), -1, np.int32)
    cut.flat[: len(rows)] = rows
    return cut


def _stack(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks row blocks; those with fewer steps get steps without a live row."""
    steps = max(len(block) for block in blocks)
    stacked = np.full((len(blocks), steps, blocks[0].shape[1]), -1, np.int32)
    for target, block in zip(stacked, blocks, strict=True):
        target[: len(block)] = block
    return stacked


def _longest(lengths: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The longest utterance of each step of rows [seeds, folds, steps, batch_size]."""
    return np.where(rows >= 0, lengths[rows], 0).max(axis=(0, 1, 3))


def _round_up(lengths: np.ndarray) -> np.ndarray:
    return -(-lengths // CHUNK) * CHUNK


def _fewest_frames(needed: np.ndarray, shapes: int) -> np.ndarray:
    """At most `shapes` lengths, such that padding each of `needed` up to the next of
    them costs the fewest frames in all: dynamic programming over the sorted lengths."""
    values, counts = np.unique(needed, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])
    beyond = np.tri(len(values) + 1, len(values), -1, bool)
    # cost[j]: the fewest frames for the j shortest lengths; cuts: where they were cut.
    impossible = np.iinfo(np.int64).max // 2
    cost = np.append(0, np.full(len(values), impossible))
    cuts = []
    for _ in range(min(shapes, len(values))):
        # From j to i: the lengths j..i are padded to the length i.
        padded = values * (below[None, 1:] - below[:, None])
        total = np.where(beyond, impossible, cost[:, None] + padded)
        cuts.append(np.append(0, total.argmin(axis=0)))
        cost = np.append(0, total.min(axis=0))
    chosen, end = [], len(values)
    for cut in reversed(cuts):
        if end:
            chosen.append(values[end - 1])
            end = cut[end]
    return np.array(chosen[::-1])
