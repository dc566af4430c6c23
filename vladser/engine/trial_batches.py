"""Cuts an experiment into batches of trials, each trained at once.

A trial's schedule is that of the whole experiment, so what it gives does not depend on
the batch that it is in, nor on the machine that trains the batch.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from vladser import text
from vladser.condition import PARTS, Condition
from vladser.engine import placement, views
from vladser.engine.design import Design
from vladser.engine.memory import estimate
from vladser.errors import InputError, MemoryShort

# Of a device's memory: what XLA needs within a fusion, the gaps between arrays, and on
# a CPU whatever else runs, come on top of the estimate.
SHARE, ON_ACCELERATORS = 0.7, 0.9
STEP = 1_000_000  # frames: some two seconds of a CPU's work


class TrialBatch(NamedTuple):
    """Trials as places in the seeds, the conditions and the folds of a Design; the
    conditions share one program, rows and schedule."""

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


def programs(design: Design) -> list[TrialBatch]:
    """Returns all trials of an experiment, a batch for each program."""
    seeds, _, folds = design.shape
    batches = [range(seeds)], design.programs(), [range(folds)]
    return [TrialBatch(*places) for places in product(*batches)]


def cut(design: Design, batch: TrialBatch, most: int | None = None) -> list[TrialBatch]:
    """Cuts a batch into those that the local devices train one after another.

    Args:
      most: trials of a batch; by default as many as fit the memory, and on a CPU take a
        step that is brief.

    Raises:
      MemoryShort: one trial alone does not fit the memory.
    """
    alone = TrialBatch(*(places[:1] for places in batch))
    if memory(design, alone) > _available(alone):
        raise _too_large(design, alone)

    def small(batch: TrialBatch) -> bool:
        return batch.trials <= most if most else fits(design, batch)

    return _split(batch, small)


def take(batch: TrialBatch, most: int) -> tuple[TrialBatch, list[TrialBatch]]:
    """Takes at most so many trials off a batch, whole seeds where it can, so that the
    next ones are as many; returns them and what is left."""
    if batch.trials <= most:
        return batch, []
    field, places = _first_axis(batch)
    if count := most * len(places) // batch.trials:
        count = -(-len(places) // -(-len(places) // count))  # alike, with the others
        rest = batch._replace(**{field: places[count:]})
        return batch._replace(**{field: places[:count]}), [rest]
    taken, left = take(batch._replace(**{field: places[:1]}), most)
    return taken, [*left, batch._replace(**{field: places[1:]})]


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
    """Returns whether a batch fits into the memory of the local devices, and on a CPU
    has steps of at most STEP frames: a run that is told to stop ends after a step."""
    plan, mesh = design.plan(batch.conditions[0]), placement.mesh(*batch.rectangle)
    longest = np.sort(plan.lengths)[-plan.batch_size :].sum()
    brief = not placement.one_by_one(mesh) or batch.trials * longest <= STEP
    return brief and memory(design, batch) <= _share(mesh) * _available(batch)


def memory(design: Design, batch: TrialBatch) -> int:
    """Estimates the bytes that a batch takes on the busiest local device."""
    place, data = batch.conditions[0], design.rows(batch.conditions[0]).data
    mesh = placement.mesh(*batch.rectangle)
    plan = design.plan(place).only(batch.seeds, batch.folds)
    return estimate(
        mesh,
        design.specification(place),
        (views.frames(data, plan, mesh), data.frames.shape[1]),
        int(data.length.max()),
        plan.batch_size,
        batch.rectangle,
    )


@contextmanager
def fitting(design: Design, batch: TrialBatch) -> Iterator[None]:
    """Raises MemoryShort where a device has no memory for a batch, which is trained in
    the body."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise _too_large(design, batch) from error


def _too_large(design: Design, batch: TrialBatch) -> MemoryShort:
    """Returns the error that says what a batch takes, and which usual setting, in the
    place of one of its first condition's, would make it fit."""
    place, usual, there = batch.conditions[0], Condition(), _available(batch)
    settings: dict[str, Any] = {"batch_size": placement.SLICE}
    settings |= {part: getattr(usual, part) for part in PARTS}
    share = _share(placement.mesh(*batch.rectangle))
    takes, fitting = memory(design, batch), []
    for name, value in settings.items():
        conditions = [*design.conditions]
        conditions[place] = replace(conditions[place], **{name: value})
        with suppress(InputError):  # parts that do not go together
            less = memory(replace(design, conditions=conditions), batch)
            if less < takes and less <= share * there:
                fitting.append(f"{name}={value}")
    way = " or ".join(fitting) or "a smaller model or shorter utterances"
    mib, trainings = 2**20, text.count(batch.trials, "training")
    return MemoryShort(
        f"{design.names[place]}: expected at most {there / mib:,.0f} MiB on a device, "
        f"got some {takes / mib:,.0f} MiB for {trainings}: try {way}"
    )


def _share(mesh: Mesh) -> float:
    return SHARE if placement.one_by_one(mesh) else ON_ACCELERATORS


def _available(batch: TrialBatch) -> float:
    return placement.memory(placement.mesh(*batch.rectangle))


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
    field, places = _first_axis(batch)
    parts = np.array_split(np.asarray(places), min(number, len(places)))
    return [batch._replace(**{field: part.tolist()}) for part in parts]


def _first_axis(batch: TrialBatch) -> tuple[str, Sequence[int]]:
    """Returns the first axis of a batch of several trials that can be cut."""
    axes = batch._asdict().items()
    return next((field, places) for field, places in axes if len(places) > 1)
