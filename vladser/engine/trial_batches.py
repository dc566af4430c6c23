"""Cuts an experiment into batches of trials, each trained at once.

A trial's schedule is that of the whole experiment, so what it gives does not depend on
the batch that it is in, nor on the process that trains the batch.
"""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from vladser.engine import sweep
from vladser.engine.design import Design

# Of a device's memory. `sweep.memory` counts arrays; what XLA needs within a fusion,
# the gaps between arrays, and on a CPU whatever else runs, come on top.
SHARE = 0.7
STEP = 1_000_000  # frames


class TrialBatch(NamedTuple):
    """Trials as places in the seeds, the conditions and the folds of a Design; the
    conditions share one program, dataset and schedule."""

    seeds: Sequence[int]
    conditions: Sequence[int]
    folds: Sequence[int]

    @property
    def trials(self) -> int:
        """How many there are."""
        return math.prod(map(len, self))

    @property
    def rectangle(self) -> tuple[int, int]:
        """How many seeds, and trials of each, as `experiment.run` arranges them."""
        return len(self.seeds), len(self.conditions) * len(self.folds)

    @property
    def cells(self) -> tuple[np.ndarray, ...]:
        """Indexes the batch's trials in an array [seeds, conditions, folds]."""
        return np.ix_(*map(list, self))


def cut(
    design: Design, fits: Callable[[TrialBatch], bool], processes: int = 1
) -> list[list[TrialBatch]]:
    """Cuts an experiment into batches, and deals them out to processes.

    Args:
      design: the experiment.
      fits: whether a batch can be trained at once; not asked about a single trial.
      processes: how many share the experiment.

    Returns:
      The batches of each process; of few trials some processes have none. All together
      hold each trial once.
    """
    seeds, conditions, folds = design.shape
    share = -(-seeds * conditions * folds // processes)
    batches = [
        batch
        for places in design.programs()
        for batch in _split(
            TrialBatch(range(seeds), places, range(folds)),
            lambda batch: batch.trials <= share and fits(batch),
        )
    ]
    dealt: list[list[TrialBatch]] = [[] for _ in range(processes)]
    for batch in sorted(batches, key=lambda batch: -batch.trials):
        min(dealt, key=lambda own: sum(b.trials for b in own)).append(batch)
    return [sorted(own, key=batches.index) for own in dealt]


def halves(batch: TrialBatch) -> list[TrialBatch]:
    """Cuts a batch of several trials into two."""
    return _pieces(batch, 2)


def missing(done: Iterable[TrialBatch], batch: TrialBatch) -> list[TrialBatch]:
    """Returns what of a batch is in none of those that are done."""
    done = list(done)
    pairs = [list(zip(batch, other, strict=True)) for other in done]
    if any(all(set(own) <= set(others) for own, others in pair) for pair in pairs):
        return []
    if not any(all(set(own) & set(others) for own, others in pair) for pair in pairs):
        return [batch]
    return [part for half in halves(batch) for part in missing(done, half)]


def at_most(trials: int) -> Callable[[TrialBatch], bool]:
    """For `cut`: a batch has no more than `trials` trials."""
    return lambda batch: batch.trials <= trials


def brief(design: Design) -> Callable[[TrialBatch], bool]:
    """For `cut`: on a CPU, a step of the batch has no more than a million frames, some
    two seconds of work, so that a run stops soon when it is told to."""
    if jax.local_devices()[0].platform != "cpu":
        return lambda batch: True

    def fits(batch: TrialBatch) -> bool:
        plan = design.plan(batch.conditions[0])
        longest = np.sort(plan.lengths)[-plan.batch_size :].sum()
        return batch.trials * longest <= STEP

    return fits


def in_memory(design: Design) -> Callable[[TrialBatch], bool]:
    """For `cut`: the estimate from its shapes says that a batch fits into the memory of
    the local devices, beside its dataset."""

    def fits(batch: TrialBatch) -> bool:
        frames = design.datasets[batch.conditions[0]].frames.nbytes
        return memory(design, batch) <= _room(frames, jax.local_devices())

    return fits


def mesh(batch: TrialBatch) -> Mesh:
    """Returns the mesh of the local devices that train the batch."""
    return sweep.mesh(*batch.rectangle)


def memory(design: Design, batch: TrialBatch) -> int:
    """Estimates the bytes of arrays on the busiest local device that trains the batch,
    beside the dataset; see `sweep.memory`."""
    place = batch.conditions[0]
    return sweep.memory(
        design.specification(place),
        mesh(batch),
        *batch.rectangle,
        design.conditions[place].batch_size,
        int(design.datasets[place].length.max()),
    )


def _room(frames: int, devices: Sequence[jax.Device]) -> float:
    """Bytes that each device has beside a dataset of so many bytes."""
    stats = devices[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return SHARE * stats["bytes_limit"] - frames
    # CPU devices share the machine's memory, and read one dataset.
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (SHARE * machine - frames) / len(devices)


def _split(batch: TrialBatch, fits: Callable[[TrialBatch], bool]) -> list[TrialBatch]:
    """Cuts a batch into the fewest equal parts that fit, along the first axis that can
    be: seeds, whose trials share what is drawn, stay whole; folds are cut last."""
    if batch.trials == 1 or fits(batch):
        return [batch]
    for pieces in range(2, max(map(len, batch)) + 1):
        parts = _pieces(batch, pieces)
        if all(map(fits, parts)):
            return parts
        if len(parts) < pieces:
            break
    return [small for part in parts for small in _split(part, fits)]


def _pieces(batch: TrialBatch, pieces: int) -> list[TrialBatch]:
    """Cuts into equal parts along the first axis that can be cut; as many as it has
    places, if these are fewer."""
    axis = next(axis for axis, places in enumerate(batch) if len(places) > 1)
    pieces = min(pieces, len(batch[axis]))
    parts = np.array_split(np.asarray(batch[axis]), pieces)
    field = TrialBatch._fields[axis]
    return [batch._replace(**{field: part.tolist()}) for part in parts]
