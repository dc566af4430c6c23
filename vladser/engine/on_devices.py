"""A rectangle of trials on the devices."""

from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from vladser.condition import Condition
from vladser.data import dataset
from vladser.engine import sweep
from vladser.engine import trials as trials_of
from vladser.engine.timeblocks import BLOCK
from vladser.types import Array, Dataset, PyTree, State, Trial


class Block:
    """Numpy in, numpy out, the padding of the rectangle unseen."""

    def __init__(
        self,
        corpus: Dataset,
        conditions: Sequence[Condition],
        trials: Trial,
        devices: Sequence[jax.Device] | None,
    ):
        seeds, of_each = trials.seed.shape
        self.shape = seeds, of_each
        self.conditions = len(conditions)
        self.utterances = len(corpus.label)
        self.spec = trials_of.specification(corpus, conditions)
        self.mesh = sweep.mesh(*self.shape, devices)
        self.trials = sweep.place(self.mesh, trials)
        self.capacity = -(-int(corpus.length.max()) // BLOCK)
        self.buffer = dataset.to_device(corpus, sweep.everywhere(self.mesh))

    def warm_up(self, states: State, batch_size: int) -> State:
        """Compiles the training program by a step that has no live row, which leaves
        the states as they are."""
        seeds, trials = self.shape
        empty = np.full((seeds, trials, batch_size), -1, np.int32)
        states, _ = self.train_step(states, empty, 0, 0)
        return jax.block_until_ready(states)

    def train_step(
        self, states: State, rows: np.ndarray, epoch: int, index: int
    ) -> tuple[State, Array]:
        """See `sweep.train_step`; rows [seeds, trials, B]."""
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

    def predict(self, params: PyTree, steps: Iterable[np.ndarray]) -> np.ndarray:
        """Probabilities [seeds, trials, N, classes]; NaN for rows not in `steps`."""
        shape = (*self.shape, self.utterances, self.spec.classes)
        probabilities = np.full(shape, np.nan, np.float32)
        for rows in map(self.rows, steps):
            found = sweep.predict(
                params,
                self.trials,
                self.buffer,
                sweep.place(self.mesh, rows, empty=-1),
                spec=self.spec,
                mesh=self.mesh,
                capacity=self.capacity,
            )
            seed, trial, row = np.nonzero(rows >= 0)
            found = self.to_host(found)[seed, trial, row]
            probabilities[seed, trial, rows[seed, trial, row]] = found
        return probabilities

    def choose(self, mask: np.ndarray, new: PyTree, old: PyTree) -> PyTree:
        """`new` for the trials that the mask [seeds, trials] names, else `old`."""
        return _choose(sweep.place(self.mesh, mask), new, old)

    def rows(self, rows: np.ndarray, failed: np.ndarray | None = None) -> np.ndarray:
        """[seeds, folds, B] -> [seeds, trials, B]; failed trials have none."""
        rows = trials_of.rows(rows, self.conditions)
        if failed is not None:
            rows[failed.any(axis=-1)] = -1
        return rows

    def to_devices(self, like: PyTree, leaves: Sequence[np.ndarray]) -> PyTree:
        """A tree of the structure of `like`."""
        tree = jax.tree.unflatten(jax.tree.structure(like), leaves)
        return sweep.place(self.mesh, tree)

    def to_host(self, tree: PyTree) -> PyTree:
        seeds, trials = self.shape
        return jax.tree.map(lambda x: np.asarray(x)[:seeds, :trials], tree)


@jax.jit
def _choose(mask: Array, new: PyTree, old: PyTree) -> PyTree:
    def leaf(new, old):
        return jnp.where(jnp.expand_dims(mask, range(2, new.ndim)), new, old)

    return jax.tree.map(leaf, new, old)
