"""What devices see of a dataset: all of it, or, where it is too large for that, what a
step needs."""

import math

import numpy as np
from jax.sharding import Mesh

from vladser import machine
from vladser.data import dataset
from vladser.data.batches import Plan
from vladser.engine import placement
from vladser.types import Buffer, Dataset

SHARE = 0.5  # of a device's memory, that a dataset may take


class View:
    """A dataset, as the devices see it.

    Attributes:
      sizes: frames of the buffers that there will be, of which each has programs of its
        own; for what is sent step by step there may be more.
    """

    def __init__(self, data: Dataset, plan: Plan, mesh: Mesh):
        self._data, self._where = data, placement.shared(mesh)
        self._all = whole(data, mesh) and dataset.to_device(data, self._where)
        most = data.frames.shape[0] if self._all else _most(data, plan)
        self.sizes = [most]
        if not self._all and not placement.one_by_one(mesh):
            # CPUs read in place what is there; others are sent what is empty, too.
            self.sizes = [-(-most // parts) for parts in (4, 2, 1)]

    def __call__(self, rows: np.ndarray, size: int = 0) -> tuple[Buffer, np.ndarray]:
        """Returns a buffer of at least `size` frames for rows of the dataset, -1 an
        empty one, and these rows as they are called in the buffer."""
        if self._all:
            return self._all, rows
        used = np.unique(rows[rows >= 0])
        size = max(size, int(self._data.length[used].sum()))
        if size > self.sizes[-1]:
            self.sizes.append(max(size, 2 * self.sizes[-1]))
        size = next(enough for enough in self.sizes if enough >= size)
        buffer = dataset.window(self._data, used, rows.size, size, self._where)
        return buffer, np.where(rows >= 0, np.searchsorted(used, rows), -1)


def whole(data: Dataset, mesh: Mesh) -> bool:
    """Returns whether each device sees all of a dataset, all the time."""
    if not isinstance(data.frames, np.ndarray):
        return False
    on_cpu = placement.one_by_one(mesh)  # whose devices share one copy
    room = machine.memory() if on_cpu else placement.memory(mesh)
    return data.frames.nbytes <= SHARE * room


def frames(data: Dataset, plan: Plan, mesh: Mesh) -> int:
    """Returns about how many frames a device holds at once."""
    if whole(data, mesh):
        return data.frames.shape[0]
    return 2 * _most(data, plan)  # of a step, and of the next


def _most(data: Dataset, plan: Plan) -> int:
    """Returns about how many frames the largest step looks at. Tests are alike in all
    seeds, but not in all folds. Minibatches of training differ from seed to seed, and
    from fold to fold the more the further they are into the order of all: each fold
    leaves out its own utterances, of which there were more or less so far."""
    drift = 0.0
    if len(plan.folds) > 1:
        share = np.mean([len(fold.test) for fold in plan.folds]) / len(data.length)
        deviation = np.sqrt(len(data.length) * share * (1 - share)) / 2  # halfway
        drift = 6 * deviation
    trained = len(plan.seeds) * (plan.batch_size + drift)
    rows = max(math.ceil(trained), len(plan.folds) * plan.batch_size)
    return int(np.sort(data.length)[-rows:].sum())
