"""What the training of some trials takes of a device's memory, by an estimate."""

import math
from collections.abc import Sequence
from functools import cache, partial

import jax
import numpy as np
from jax.sharding import Mesh

from vladser import model
from vladser.engine import placement, timeblocks, training_step
from vladser.engine.timeblocks import Blocks
from vladser.types import PyTree, Spec

_TILE = 8, 128  # rows and columns that the arrays of a TPU are padded to


def estimate(
    mesh: Mesh,
    spec: Spec,
    frames: tuple[int, int],
    longest: int,
    rows: int,
    rectangle: Sequence[int],
) -> int:
    """Estimates the bytes on the busiest device: its share of the dataset, and the
    arrays that outlive a fusion, as the device lays them out.

    Args:
      mesh: where the trials lie.
      spec: of their program.
      frames: the shape of all frames of the dataset, which each device has, but that
        CPU devices share one.
      longest: frames of the longest utterance.
      rows: of a minibatch.
      rectangle: how many seeds, and trials of each.
    """
    shape = zip(rectangle, mesh.devices.shape, strict=True)
    seeds, trials = (-(-all // devices) for all, devices in shape)
    one_by_one, platform = placement.one_by_one(mesh), placement.platform(mesh)
    rows += -rows % placement.SLICE
    in_slices = one_by_one and not model.coupled(spec)
    together = placement.SLICE if in_slices else rows
    blocks = timeblocks.cut(longest, placement.block(mesh))
    states, kept, drawn = _of_trial(platform, spec, rows, together, blocks)
    read = _bytes(platform, jax.ShapeDtypeStruct(frames, np.float32))
    if one_by_one:
        return read // mesh.size + drawn + kept + seeds * trials * states
    return read + seeds * (drawn + trials * (kept + states))


@cache
def _of_trial(
    platform: str, spec: Spec, rows: int, together: int, blocks: Blocks
) -> tuple[int, int, int]:
    """Returns the bytes of a trial's states, of its workspace for the rows that are
    computed together, and of what is drawn for all rows of a minibatch."""
    params = jax.eval_shape(partial(model.init, spec=spec), jax.random.key(0))
    space = partial(
        training_step.empty_workspace, spec=spec, batch=together, blocks=blocks
    )
    draws = partial(training_step.empty_draws, spec, rows, blocks)
    shapes = params, jax.eval_shape(space, params), jax.eval_shape(draws)
    learned, kept, drawn = (_bytes(platform, tree) for tree in shapes)
    # At work on a block: its frames, read and standardized, and what is kept of it.
    frames = jax.ShapeDtypeStruct((blocks.frames, together, spec.dim), np.float32)
    kept += kept // blocks.number + 2 * _bytes(platform, frames)
    # What `model.finish` sees, and its gradient.
    kept += 2 * 4 * math.prod(blocks) * together * model.seen(spec)
    # Of the vectors, which are long where clusters are many: NetVLAD's normalizations,
    # the head and their gradients hold some 15 copies at once, as measured on a CPU.
    kept += 15 * 4 * together * model.sizes(spec)[1]
    if model.coupled(spec):  # of all triplets, and its gradient
        kept += 2 * 4 * together**3
    # With two averages, the gradient, the best epoch's.
    return 5 * learned, kept, drawn


def _bytes(platform: str, tree: PyTree) -> int:
    """Returns the bytes of the arrays of a tree, of which only shapes are looked at."""

    def padded(array):
        shape = [*array.shape]
        if platform == "tpu" and len(shape) > 1:
            for place, multiple in zip((-2, -1), _TILE, strict=True):
                shape[place] += -shape[place] % multiple
        return math.prod(shape) * array.dtype.itemsize

    return sum(map(padded, jax.tree.leaves(tree)))
