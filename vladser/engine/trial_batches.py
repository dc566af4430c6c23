"""Cuts an experiment into batches of trials, each trained at once.

A trial's schedule is that of the whole experiment, so what it gives does not depend on
the batch that it is in, nor on the process that trains the batch.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np

from vladser import machine, model
from vladser.engine import placement, timeblocks, training_step
from vladser.engine.design import Design
from vladser.engine.timeblocks import BLOCK
from vladser.types import PyTree

# Of a device's memory. `memory` counts arrays; what XLA needs within a fusion,
# the gaps between arrays, and on a CPU whatever else runs, come on top.
SHARE = 0.7
STEP = 1_000_000  # frames: some two seconds of a CPU's work


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


def cut(
    design: Design, most: int | None = None, processes: int = 1
) -> list[list[TrialBatch]]:
    """Cuts an experiment into batches, and deals them out to processes.

    Args:
      design: the experiment.
      most: trials of a batch; by default as many as fit the memory, and on a CPU take a
        step that is brief.
      processes: how many share the experiment.

    Returns:
      The batches of each process; of few trials some processes have none. All together
      hold each trial once.
    """
    seeds, conditions, folds = design.shape
    share = -(-seeds * conditions * folds // processes)

    def small(batch: TrialBatch) -> bool:
        return batch.trials <= min(share, most or share) and (
            bool(most) or fits(design, batch)
        )

    batches = [
        batch
        for places in design.programs()
        for batch in _split(TrialBatch(range(seeds), places, range(folds)), small)
    ]
    dealt: list[list[TrialBatch]] = [[] for _ in range(processes)]
    for batch in sorted(batches, key=lambda batch: -batch.trials):
        min(dealt, key=lambda own: sum(b.trials for b in own)).append(batch)
    return [sorted(own, key=batches.index) for own in dealt]


def missing(done: Iterable[TrialBatch], batch: TrialBatch) -> list[TrialBatch]:
    """Returns what of a batch is in none of those that are done."""
    done = list(done)
    pairs = [list(zip(batch, other, strict=True)) for other in done]
    if any(all(set(own) <= set(others) for own, others in pair) for pair in pairs):
        return []
    if not any(all(set(own) & set(others) for own, others in pair) for pair in pairs):
        return [batch]
    return [part for half in pieces(batch, 2) for part in missing(done, half)]


def fits(design: Design, batch: TrialBatch) -> bool:
    """Returns whether a batch fits into the memory of the local devices, beside its
    dataset, and on a CPU has steps of at most STEP frames: a run that is told to stop
    ends after a step."""
    plan, devices = design.plan(batch.conditions[0]), jax.local_devices()
    stats = devices[0].memory_stats() or {}
    dataset = design.datasets[batch.conditions[0]].frames.nbytes
    if "bytes_limit" in stats:
        available = SHARE * stats["bytes_limit"] - dataset
    else:  # CPU devices share the machine's memory, and read one dataset
        available = (SHARE * machine.memory() - dataset) / len(devices)
    longest = np.sort(plan.lengths)[-plan.batch_size :].sum()
    brief = devices[0].platform != "cpu" or batch.trials * longest <= STEP
    return brief and memory(design, batch) <= available


def memory(design: Design, batch: TrialBatch) -> int:
    """Estimates the bytes on the busiest local device that trains the batch, beside the
    dataset: of the arrays that outlive a fusion."""
    place = batch.conditions[0]
    spec, rows = design.specification(place), design.conditions[place].batch_size
    capacity = timeblocks.blocks(int(design.datasets[place].length.max()))
    mesh = placement.mesh(*batch.rectangle)
    shape = zip(batch.rectangle, mesh.devices.shape, strict=True)
    seeds, trials = (-(-all // devices) for all, devices in shape)
    one_by_one = placement.one_by_one(mesh)
    rows += -rows % placement.SLICE
    sizes = {"batch": placement.SLICE if one_by_one else rows, "capacity": capacity}
    params = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    workspace = partial(training_step.empty_workspace, spec=spec, **sizes)
    kept = _bytes(jax.eval_shape(workspace, params))
    # What `model.finish` sees, and its gradient.
    kept += 2 * 4 * capacity * BLOCK * sizes["batch"] * model.seen(spec)
    draws = partial(training_step.empty_draws, spec, rows, capacity)
    drawn = _bytes(jax.eval_shape(draws))
    states = 5 * _bytes(params)  # with two averages, the gradient, the best epoch's
    if one_by_one:
        return drawn + kept + seeds * trials * states
    return seeds * (drawn + trials * (kept + states))


def _bytes(shapes: PyTree) -> int:
    return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(shapes))


def _split(batch: TrialBatch, small: Callable[[TrialBatch], bool]) -> list[TrialBatch]:
    """Cuts a batch into the fewest equal small parts, along the first axis that can
    be: seeds, whose trials share what is drawn, stay whole; folds are cut last."""
    if batch.trials == 1 or small(batch):
        return [batch]
    for number in range(2, max(map(len, batch)) + 1):
        parts = pieces(batch, number)
        if all(map(small, parts)):
            return parts
        if len(parts) < number:
            break
    return [piece for part in parts for piece in _split(part, small)]


def pieces(batch: TrialBatch, number: int) -> list[TrialBatch]:
    """Cuts a batch of several trials into equal parts along the first axis that can be
    cut; into as many as it has places, if these are fewer."""
    field, places = next(
        (field, places) for field, places in batch._asdict().items() if len(places) > 1
    )
    parts = np.array_split(np.asarray(places), min(number, len(places)))
    return [batch._replace(**{field: part.tolist()}) for part in parts]
