"""Where trials lie, and how a device works on its share of them.

The trials form a rectangle [seeds, conditions x folds]; each device has a share. Only
here it is decided that a CPU takes one trial after another, and a few rows of a
minibatch at a time, which stay in its cache; an accelerator takes all at once, to be
full.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.layout import Format, Layout
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vladser import machine
from vladser.data import batches
from vladser.engine import slots, timeblocks
from vladser.types import Array, Buffer, PyTree

SLICE = batches.UNIT  # rows that a CPU works on at once; see BENCHMARKS.md
# Frames of a block: arrays that stay in a core's cache, or few launches.
_ON_CPU, _ELSEWHERE = timeblocks.UNIT, 4 * timeblocks.UNIT
TRIALS = PartitionSpec("seed", "trial")
SHARED = PartitionSpec()


def mesh(seeds: int, trials: int) -> Mesh:
    """Arranges local devices over [seeds, trials].

    The busiest device has as few trials as possible; of such meshes the one of fewest
    devices is chosen, since more would not be faster, and then the one that spreads the
    seeds least: the minibatches of a step are alike in length within a seed only, and
    devices wait for each other.
    """
    devices = jax.local_devices()
    choices = [
        (-(-seeds // rows) * -(-trials // columns), rows * columns, rows, columns)
        for rows in range(1, min(seeds, len(devices)) + 1)
        for columns in range(1, min(trials, len(devices) // rows) + 1)
    ]
    _, used, rows, columns = min(choices)
    grid = np.array(devices[:used]).reshape(rows, columns)
    return Mesh(grid, ("seed", "trial"))


def place(mesh: Mesh, tree: PyTree, empty: float | None = None) -> PyTree:
    """Puts a tree of arrays [seeds, trials, ...] on the devices, each padded by `fill`,
    whose arguments these are."""
    filled = jax.tree.map(lambda array: fill(mesh, array, empty), tree)
    return jax.device_put(filled, NamedSharding(mesh, TRIALS))


def shared(mesh: Mesh) -> PyTree:
    """Returns where a Buffer lies: each device has all of it, one frame after another.

    TPUs would take one column after another, and then copy the whole dataset in each
    step, since steps read frames.
    """
    everywhere = NamedSharding(mesh, SHARED)
    where: Any = Buffer(*[everywhere] * len(Buffer._fields))  # type: ignore[arg-type]
    if platform(mesh) == "tpu":
        where = where._replace(frames=Format(Layout((0, 1)), everywhere))
    return where


def fill(mesh: Mesh, array: np.ndarray, empty: float | None = None) -> np.ndarray:
    """Pads an array [seeds, trials, ...] to a multiple of the mesh by trials that hold
    `empty`, or None for copies of the last trial."""
    array = np.asarray(array)
    missing = [-n % m for n, m in zip(array.shape, mesh.devices.shape, strict=False)]
    widths = [(0, n) for n in missing] + [(0, 0)] * (array.ndim - 2)
    if empty is None:
        return np.pad(array, widths, mode="edge")
    return np.pad(array, widths, constant_values=empty)


def on_each(mesh: Mesh, *specs: PartitionSpec) -> Callable[[Callable], Callable]:
    """Returns a decorator that has each device compute a function of its trials, whose
    arguments are TRIALS or SHARED and whose results are of the trials."""
    return partial(
        jax.shard_map, mesh=mesh, in_specs=specs, out_specs=TRIALS, check_vma=False
    )


def platform(mesh: Mesh) -> str:
    """Returns what jax calls the devices: cpu, gpu, tpu."""
    return mesh.devices.flat[0].platform


def one_by_one(mesh: Mesh) -> bool:
    """Returns whether a device takes one trial after another."""
    return platform(mesh) == "cpu"


def block(mesh: Mesh) -> int:
    """Returns how many frames a device takes at once."""
    return _ON_CPU if one_by_one(mesh) else _ELSEWHERE


def memory(mesh: Mesh) -> float:
    """Returns the bytes of memory of a device; CPU devices share the machine's."""
    stats = mesh.devices.flat[0].memory_stats() or {}
    return stats.get("bytes_limit", machine.memory() / mesh.size)


def each(mesh: Mesh) -> Callable[[Callable, PyTree, PyTree], tuple[PyTree, PyTree]]:
    """Returns what runs (memory, trial) -> (memory, result) over trials: a scan that
    hands the memory on, or all at once, each with memory of its own."""
    if one_by_one(mesh):
        return jax.lax.scan

    def at_once(function, memory, trials):
        def of_trial(memory, trial):
            return function(memory, trial)[1]

        first, *_ = jax.tree.leaves(trials)
        own = slots.allocate(memory, len(first), first.ravel()[0])
        return memory, jax.vmap(of_trial)(own, trials)

    return at_once


def slices(mesh: Mesh, rows: Array, coupled: bool = False) -> Array:
    """Cuts minibatches [..., B] into what a device works on at once, [..., slices, rows
    of a slice], padded with empty rows; those of a coupled objective stay whole."""
    padding = [(0, 0)] * (rows.ndim - 1) + [(0, -rows.shape[-1] % SLICE)]
    pad = np.pad if isinstance(rows, np.ndarray) else jnp.pad
    rows = pad(rows, padding, constant_values=-1)
    batch = SLICE if one_by_one(mesh) and not coupled else rows.shape[-1]
    return rows.reshape(*rows.shape[:-1], -1, batch)
