"""A rectangle of trials on the devices."""

from collections.abc import Callable, Iterable
from itertools import chain, pairwise

import jax
import numpy as np

from vladser.data import folds
from vladser.data.batches import Plan
from vladser.engine import placement, sweep, timeblocks
from vladser.engine.views import View
from vladser.types import Array, Buffer, Dataset, PyTree, Spec, State, Trial


class OnDevices:
    """Trains and evaluates trials; numpy in, numpy out, their padding unseen.

    Attributes:
      shape: seeds and trials, which are conditions x folds.
      rows, leaked: [seeds, trials] training rows that the steps were given, and those
        of them that the trial's fold hides, see `folds.hidden`.
    """

    def __init__(self, data: Dataset, plan: Plan, trials: Trial, spec: Spec):
        self.plan, self.spec = plan, spec
        seeds, columns = trials.seed.shape
        self.shape, self.conditions = (seeds, columns), columns // len(plan.folds)
        self.mesh = placement.mesh(*self.shape)
        self.trials = placement.place(self.mesh, trials)
        longest = int(data.length.max())
        self.blocks = timeblocks.cut(longest, placement.block(self.mesh))
        self.view = View(data, plan, self.mesh)
        self.rows, self.leaked = np.zeros((2, *self.shape), int)
        # [folds, N + 1]; the last stands for an empty row.
        hidden = [folds.hidden(data, fold) for fold in plan.folds]
        self._hidden = np.pad(hidden, [(0, 0), (0, 1)])

    def warm_up(self, states: State) -> State:
        """Compiles the training program by a step that has no live row, which leaves
        the states as they are."""
        empty = np.full((*self.shape, self.plan.batch_size), -1, np.int32)
        for size in self.view.sizes:
            states, _ = self._train_step(states, self.view(empty, size), 0, 0)
        return jax.block_until_ready(states)

    def train_step(
        self, states: State, rows: np.ndarray, epoch: int, index: int
    ) -> tuple[State, Array]:
        """Takes a step of every trial, see `sweep.train_step`, and counts its rows
        [seeds, trials, B]; the states are donated."""
        fold = np.arange(self.shape[1])[:, None] % len(self.plan.folds)
        self.rows += np.count_nonzero(rows >= 0, axis=-1)
        self.leaked += np.count_nonzero(self._hidden[fold, rows], axis=-1)
        return self._train_step(states, self.view(rows), epoch, index)

    def _train_step(self, states, seen: tuple[Buffer, np.ndarray], epoch, index):
        buffer, rows = seen
        placed = placement.place(self.mesh, rows, empty=-1)
        number = np.int32(epoch), np.int32(index)
        step = sweep.train_step(self.spec, self.mesh, self.blocks)
        return step(states, self.trials, buffer, placed, *number)

    def evaluate(self, walk: Callable, params: PyTree, name: str) -> list[np.ndarray]:
        """Evaluates every trial on a set of its fold, "validation" or "test", by a walk
        as of `sweep.evaluate`; returns one array a fold, [seeds, conditions, utterances
        of its set, ...]."""
        program = sweep.evaluate(walk, self.spec, self.mesh, self.blocks)

        def dispatched():
            for rows, places in self.plan.evaluation(name):
                buffer, seen = self.view(self.of_trials(rows))
                here = placement.place(self.mesh, seen, empty=-1)
                yield rows, places, program(params, self.trials, buffer, here)

        results: list[np.ndarray] = []
        # One step ahead, as in training.
        for (rows, places, found), _ in pairwise(chain(dispatched(), [None])):
            values = self.to_host(found)
            for number, fold in enumerate(self.plan.folds):
                of_fold = values[:, number :: len(self.plan.folds)]
                if len(results) == number:
                    size = len(getattr(fold, name)), *values.shape[3:]
                    results.append(np.empty((*of_fold.shape[:2], *size), values.dtype))
                live = rows[0, number] >= 0
                results[number][:, :, places[0, number][live]] = of_fold[:, :, live]
        return results

    def of_trials(
        self, rows: np.ndarray, failed: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns the rows of the trials [seeds, trials, B] from those of the folds
        [seeds, folds, B]; failed trials have none."""
        rows = np.tile(rows, (1, self.conditions, 1))
        if failed is not None:
            rows[failed.any(axis=-1)] = -1
        return rows

    def to_devices(self, like: PyTree, leaves: Iterable[np.ndarray]) -> PyTree:
        """Places leaves [seeds, trials, ...] as a tree of the structure of `like`."""
        tree = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return placement.place(self.mesh, tree)

    def to_host(self, tree: PyTree) -> PyTree:
        """Returns a tree of the devices as numpy arrays."""
        seeds, trials = self.shape
        return jax.tree.map(lambda x: np.asarray(x)[:seeds, :trials], tree)
