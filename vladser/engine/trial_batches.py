"""Cuts an experiment into chunks: rectangles of trials, each trained at once.

A part of a plan has the steps of the whole, so what a trial gives does not depend on
the chunk that it is in, nor on the process that trains the chunk.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, permutations
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from vladser.condition import Condition, specification
from vladser.data import batches
from vladser.engine import experiment, sweep
from vladser.engine import trials as trials_of
from vladser.engine.events import Event
from vladser.engine.snapshot import Snapshot
from vladser.types import Dataset, Spec

# Of a device's memory. `sweep.memory` counts arrays; what XLA needs within a fusion,
# the gaps between arrays, and on a CPU whatever else runs, come on top.
SHARE = 0.7
STEP = 1_000_000  # frames


class Chunk(NamedTuple):
    """Trials as places in the seeds, the conditions and the folds of an experiment; the
    conditions share one program."""

    seeds: Sequence[int]
    conditions: Sequence[int]
    folds: Sequence[int]

    @property
    def trials(self) -> int:
        return math.prod(map(len, self))

    @property
    def rectangle(self) -> tuple[int, int]:
        """How many seeds, and trials of each, as `experiment.run` arranges them."""
        return len(self.seeds), len(self.conditions) * len(self.folds)


def cut(
    plan: batches.Plan,
    conditions: Sequence[Condition],
    fits: Callable[[Chunk], bool],
    process: int = 0,
    processes: int = 1,
) -> list[Chunk]:
    """The chunks of one of the processes that share an experiment.

    Over all processes each trial is in one chunk. The processes' numbers of trials
    differ by one at most; where there are fewer trials than processes, some have none.
    Seeds stay whole where they can: their trials share what is drawn.

    Args:
      plan: a whole plan.
      fits: whether a chunk can be trained at once; not asked about a single trial. It
        may differ from process to process.
    """
    grids = [
        Chunk(range(len(plan.seeds)), members, range(len(plan.folds)))
        for members in _programs(conditions)
    ]
    # One rectangle a process is best; which axis to cut for that, the numbers say.
    ways = [_shares(grids, order, processes) for order in permutations(range(3))]
    shares = min(ways, key=lambda shares: max(map(len, shares)))
    return [part for chunk in shares[process] for part in _split(chunk, fits)]


def run(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    chunk: Chunk,
    **options: Any,
) -> Iterator[Event]:
    """Trains a chunk of a whole plan: `experiment.run` of its trials, which says what
    the options are and what is yielded."""
    part = plan.part(chunk.seeds, chunk.folds)
    chosen = [conditions[place] for place in chunk.conditions]
    return experiment.run(corpus, chosen, part, **options)


def within(inner: Chunk, outer: Chunk) -> bool:
    """Whether all trials of a chunk are in another."""
    return all(set(a) <= set(b) for a, b in zip(inner, outer, strict=True))


def meet(one: Chunk, other: Chunk) -> bool:
    """Whether some trial is in both chunks."""
    return all(set(a) & set(b) for a, b in zip(one, other, strict=True))


def part(outer: Chunk, now: Snapshot, inner: Chunk) -> Snapshot:
    """Of a chunk's snapshot, that of a chunk within it."""
    seeds, conditions, folds = (
        [list(axis).index(place) for place in wanted]
        for axis, wanted in zip(outer, inner, strict=True)
    )
    many = len(outer.folds)
    return now.part(seeds, [c * many + f for c in conditions for f in folds])


def halves(chunk: Chunk) -> list[Chunk]:
    """Two chunks that are together the one, which has several trials."""
    return _pieces(chunk, 2)


def at_most(trials: int) -> Callable[[Chunk], bool]:
    """For `cut`: a chunk has no more than `trials` trials."""
    return lambda chunk: chunk.trials <= trials


def brief(plan: batches.Plan) -> Callable[[Chunk], bool]:
    """For `cut`: on a CPU, a step of the chunk has no more than a million frames, some
    two seconds of work, so that a run stops soon when it is told to."""
    if jax.local_devices()[0].platform != "cpu":
        return lambda chunk: True
    longest = np.sort(plan.lengths)[-plan.batch_size :].sum()
    return lambda chunk: chunk.trials * longest <= STEP


def in_memory(
    corpus: Dataset, plan: batches.Plan, conditions: Sequence[Condition]
) -> Callable[[Chunk], bool]:
    """For `cut`: the estimate from its shapes says that a chunk fits into the memory of
    the local devices, beside the corpus."""
    room = _room(corpus.frames.nbytes, jax.local_devices())
    return lambda chunk: memory(chunk, corpus, plan, conditions) <= room


def mesh(chunk: Chunk) -> Mesh:
    """The local devices that train the chunk."""
    return sweep.mesh(*chunk.rectangle)


def memory(
    chunk: Chunk,
    corpus: Dataset,
    plan: batches.Plan,
    conditions: Sequence[Condition],
) -> int:
    """Bytes of arrays on the busiest local device that trains the chunk, beside the
    corpus; see `sweep.memory`."""
    spec = trials_of.specification(corpus, [conditions[c] for c in chunk.conditions])
    longest = int(corpus.length.max())
    return sweep.memory(spec, mesh(chunk), *chunk.rectangle, plan.batch_size, longest)


def _room(corpus: int, devices: Sequence[jax.Device]) -> float:
    """Bytes that each device has beside a corpus of so many bytes."""
    stats = devices[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return SHARE * stats["bytes_limit"] - corpus
    if not hasattr(os, "sysconf"):  # on Windows
        return math.inf
    # CPU devices share the machine's memory, and read one corpus.
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (SHARE * machine - corpus) / len(devices)


def _programs(conditions: Sequence[Condition]) -> list[list[int]]:
    """The places of the conditions that share a program, program by program."""
    members: dict[Spec, list[int]] = {}
    for place, one in enumerate(conditions):
        members.setdefault(specification(one, 1, 2), []).append(place)
    return list(members.values())


def _shares(
    grids: Sequence[Chunk], order: Sequence[int], processes: int
) -> list[list[Chunk]]:
    """The chunks of each process: equal stretches of all trials, counted grid by grid
    and in each with the axes in this order, the last fastest."""
    total = sum(grid.trials for grid in grids)
    shares = []
    for process in range(processes):
        # Rounded up: the first process has one where any has.
        start = -(-total * process // processes)
        stop = -(-total * (process + 1) // processes)
        share = []
        for grid in grids:
            here = max(start, 0), min(stop, grid.trials)
            for box in _boxes([grid[axis] for axis in order], *here):
                share.append(Chunk(*(box[order.index(axis)] for axis in range(3))))
            start, stop = start - grid.trials, stop - grid.trials
        shares.append(share)
    return shares


def _boxes(axes: Sequence[Sequence[int]], start: int, stop: int) -> list[list]:
    """The stretch start..stop of a grid, in C order, as rectangles."""
    if start >= stop:
        return []
    first, *rest = axes
    row = math.prod(map(len, rest))
    above, below = -(-start // row), stop // row  # the rows above..below are whole
    if above > below:  # it begins and ends within one row
        inner = _boxes(rest, start - below * row, stop - below * row)
        return [[first[below:above], *box] for box in inner]
    head = _boxes(rest, start - (above - 1) * row, row) if start < above * row else []
    tail = _boxes(rest, 0, stop - below * row) if stop > below * row else []
    return [
        *([first[above - 1 : above], *box] for box in head),
        *([[first[above:below], *rest]] if above < below else []),
        *([first[below : below + 1], *box] for box in tail),
    ]


def _split(chunk: Chunk, fits: Callable[[Chunk], bool]) -> list[Chunk]:
    """The fewest equal parts that fit, cut along the first axis that can be."""
    if chunk.trials == 1 or fits(chunk):
        return [chunk]
    for pieces in range(2, max(map(len, chunk)) + 1):
        parts = _pieces(chunk, pieces)
        if all(map(fits, parts)):
            return parts
        if len(parts) < pieces:
            break
    return [small for part in parts for small in _split(part, fits)]


def _pieces(chunk: Chunk, pieces: int) -> list[Chunk]:
    """Equal parts along the first axis that can be cut; as many as it has places, if
    these are fewer."""
    axis, places = next(
        (axis, places) for axis, places in enumerate(chunk) if len(places) > 1
    )
    pieces = min(pieces, len(places))
    ends = [len(places) * piece // pieces for piece in range(pieces + 1)]
    return [
        Chunk(*(*chunk[:axis], places[start:stop], *chunk[axis + 1 :]))
        for start, stop in pairwise(ends)
    ]
