"""A rectangle of trials on the devices."""

from collections.abc import Callable, Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from vladser.data import dataset
from vladser.data.batches import Plan
from vladser.engine import sweep
from vladser.engine import trials as trials_of
from vladser.engine.timeblocks import BLOCK
from vladser.types import Array, Dataset, PyTree, Spec, State, Trial


class OnDevices:
    """Trains and evaluates trials; numpy in, numpy out, their padding unseen.

    Attributes:
      shape: seeds and trials, which are conditions x folds.
      rows, leaked: [seeds, trials] training rows that the steps were given, and those
        of them whose speaker the trial's fold tests.
    """

    def __init__(
        self,
        data: Dataset,
        plan: Plan,
        trials: Trial,
        spec: Spec,
        devices: Sequence[jax.Device] | None = None,
    ):
        self.plan, self.spec = plan, spec
        seeds, of_each = trials.seed.shape
        self.shape = seeds, of_each
        self.conditions = self.shape[1] // len(plan.folds)
        self.mesh = sweep.mesh(*self.shape, devices)
        self.trials = sweep.place(self.mesh, trials)
        self.capacity = -(-int(data.length.max()) // BLOCK)
        self.buffer = dataset.to_device(data, sweep.everywhere(self.mesh))
        self.rows = np.zeros(self.shape, int)
        self.leaked = np.zeros(self.shape, int)
        # [folds, N + 1] whose speaker is tested; the last stands for an empty row.
        self._tested = np.stack(
            [
                np.append(np.isin(data.speaker, data.speaker[fold.test]), False)
                for fold in plan.folds
            ]
        )

    def warm_up(self, states: State) -> State:
        """Compiles the training program by a step that has no live row, which leaves
        the states as they are."""
        empty = np.full((*self.shape, self.plan.batch_size), -1, np.int32)
        states, _ = self.train_step(states, empty, 0, 0)
        return jax.block_until_ready(states)

    def train_step(
        self, states: State, rows: np.ndarray, epoch: int, index: int
    ) -> tuple[State, Array]:
        """Takes a step of every trial, see `sweep.train_step`, and counts its rows.

        Args:
          rows: [seeds, trials, B].
        """
        fold = np.arange(self.shape[1])[:, None] % len(self.plan.folds)
        self.rows += np.count_nonzero(rows >= 0, axis=-1)
        self.leaked += np.count_nonzero(self._tested[fold, rows], axis=-1)
        return sweep.train_step(
            states,
            self.trials,
            self.buffer,
            sweep.place(self.mesh, rows, empty=-1),
            np.int32(epoch),
            np.int32(index),
            spec=self.spec,
            mesh=self.mesh,
            capacity=self.capacity,
        )

    def evaluate(self, walk: Callable, params: PyTree, part: str) -> list[np.ndarray]:
        """Evaluates every trial on a part of its fold.

        Args:
          walk: see `sweep.evaluate`.
          params: [seeds, trials, ...].
          part: "validation" or "test".

        Returns:
          One array a fold, [seeds, conditions, utterances of its part, ...].
        """
        seeds, folds = self.shape[0], self.plan.folds
        results: list[np.ndarray] = []
        for rows, places in self.plan.evaluation(part):
            made = sweep.evaluate(
                params,
                self.trials,
                self.buffer,
                sweep.place(self.mesh, self.of_trials(rows), empty=-1),
                walk=walk,
                spec=self.spec,
                mesh=self.mesh,
                capacity=self.capacity,
            )
            made = self.to_host(made)
            made = made.reshape(seeds, self.conditions, len(folds), *made.shape[2:])
            if not results:
                results = [
                    np.empty(
                        (*made.shape[:2], len(getattr(f, part)), *made.shape[4:]),
                        made.dtype,
                    )
                    for f in folds
                ]
            for number, result in enumerate(results):
                live = rows[0, number] >= 0
                result[:, :, places[0, number][live]] = made[:, :, number, live]
        return results

    def of_trials(
        self, rows: np.ndarray, failed: np.ndarray | None = None
    ) -> np.ndarray:
        """[seeds, folds, B] -> [seeds, trials, B]; failed trials have no row."""
        rows = trials_of.rows(rows, self.conditions)
        if failed is not None:
            rows[failed.any(axis=-1)] = -1
        return rows

    def choose(self, mask: np.ndarray, new: PyTree, old: PyTree) -> PyTree:
        """Returns `new` where the mask [seeds, trials] is True, else `old`."""
        return _choose(sweep.place(self.mesh, mask), new, old)

    def to_devices(self, like: PyTree, leaves: Iterable[np.ndarray]) -> PyTree:
        """Places leaves [seeds, trials, ...] as a tree of the structure of `like`."""
        tree = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return sweep.place(self.mesh, tree)

    def to_host(self, tree: PyTree) -> PyTree:
        """Returns a tree of the devices as numpy arrays."""
        seeds, trials = self.shape
        return jax.tree.map(lambda x: np.asarray(x)[:seeds, :trials], tree)


@jax.jit
def _choose(mask: Array, new: PyTree, old: PyTree) -> PyTree:
    def leaf(new, old):
        return jnp.where(jnp.expand_dims(mask, range(2, new.ndim)), new, old)

    return jax.tree.map(leaf, new, old)
