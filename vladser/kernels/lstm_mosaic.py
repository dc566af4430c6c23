"""The LSTM's loops over time as one kernel in each direction, for TPUs.

A core walks through all frames of a block of rows of a minibatch, whose state stays in
registers. Its vectors have 128 lanes: trials of fewer cells lie side by side in them,
their recurrent weights on the diagonal of one matrix. What does not depend on the
previous step is computed again rather than read.

The functions are those of `lstm_scan`, with the same arguments.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu

from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.types import Array

LANES, ROWS = 128, 8  # of a vector
MOST = 256  # cells, whose weights a core's memory holds
# Bytes for a block of rows: a kernel has 16 MiB by default, also for the weights.
MEMORY = 12 * 2**20
# A cell has 11 numbers a frame, in each direction; there is room for two blocks, since
# one is computed while others are on their way.
BYTES = 2 * 11 * 4


def takes(projected: Array) -> bool:
    """Returns whether the kernels are made for arrays [T, B, 4H] such as this: a core's
    memory has to hold a vector's rows of all frames."""
    frames, _, gates = projected.shape
    fit = _rows(frames, _whole(gates // 4, LANES)) > 0
    return projected.dtype == jnp.float32 and gates // 4 <= MOST and fit


def forward(
    projected: Array, mask: Array, kernel: Array, carry: Carry, interpret: bool = False
) -> Residuals:
    """See `lstm_scan.forward`; `interpret` runs it anywhere, slowly."""
    shapes = [(*mask.shape, n * len(kernel)) for n in (1, 1, 4)]
    inputs = [projected, *carry]
    return Residuals(*_call(_forward, mask, kernel, inputs, shapes, interpret))


def backward(
    hidden_bar: Array,
    carry_bar: Carry,
    mask: Array,
    kernel: Array,
    carry: Carry,
    saved: Residuals,
    interpret: bool = False,
) -> tuple[Array, Carry]:
    """See `lstm_scan.backward`; `interpret` runs it anywhere, slowly."""
    inputs = [hidden_bar, saved.cell, saved.gates, carry.cell, *carry_bar]
    shapes = [saved.gates.shape, *[carry.cell.shape] * 2]
    z_bar, *state = _call(_backward, mask, kernel, inputs, shapes, interpret)
    return z_bar, Carry(*state)


def _call(
    body: Callable[..., None],
    mask: Array,
    kernel: Array,
    inputs: Sequence[Array],
    shapes: Sequence[tuple[int, ...]],
    interpret: bool,
) -> list[Array]:
    """Calls a kernel that reads arrays [..., B, n * H] and writes such shapes."""
    cells, (frames, batch) = len(kernel), mask.shape
    precision = lax.Precision(jax.config.jax_default_matmul_precision)
    if precision == lax.Precision.HIGH:  # which Mosaic does not have
        precision = lax.Precision.HIGHEST

    def of_trials(kernel, *inputs):
        beside = max(1, min(LANES // cells, len(kernel)))
        width = _whole(beside * cells, LANES)
        inputs = [_packed(x, cells, beside, width) for x in inputs]
        weights = _diagonal(_packed(kernel, cells, beside, width), cells)
        groups, most = len(weights), _rows(frames, width)
        blocks = -(-batch // most)
        rows = batch if blocks == 1 else _whole(-(-batch // blocks), ROWS)

        def part(shape):
            middle = [0] * (len(shape) - 3)
            block = None, *shape[1:-2], rows, shape[-1]
            return pl.BlockSpec(block, lambda group, i: (group, *middle, i, 0))

        packed = [(groups, *s[:-1], s[-1] // cells * width) for s in shapes]
        whole = pl.BlockSpec((None, *weights.shape[1:]), lambda group, i: (group, 0, 0))
        parallel = tpu.CompilerParams(dimension_semantics=("parallel",) * 2)
        call = pl.pallas_call(
            partial(body, precision),
            grid=(groups, blocks),
            in_specs=[whole, *(part(x.shape) for x in inputs)],
            out_specs=[part(shape) for shape in packed],
            out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in packed],
            compiler_params=parallel,
            name=f"lstm{body.__name__}",
            interpret=interpret,
        )
        found = call(weights, *inputs)
        return [_unpacked(x, cells, beside, width)[: len(kernel)] for x in found]

    mask = jnp.broadcast_to(mask[..., None], (*mask.shape, cells))
    return _over_trials(of_trials)(kernel, mask.astype(jnp.float32), *inputs)


def _over_trials(function: Callable[..., list[Array]]) -> Callable[..., list[Array]]:
    """Returns a function of arrays, for which `function` is given those of all trials
    at once, [trials, ...], whatever number of vmaps is around."""

    @jax.custom_batching.custom_vmap
    def all_trials(*arrays):
        return function(*arrays)

    @all_trials.def_vmap
    def _(size, batched, *arrays):
        given = [
            x if has else jnp.broadcast_to(x, (size, *x.shape))
            for x, has in zip(arrays, batched, strict=True)
        ]
        found = all_trials(*(x.reshape(-1, *x.shape[2:]) for x in given))
        found = [x.reshape(size, -1, *x.shape[1:]) for x in found]
        return found, [True] * len(found)

    return lambda *arrays: [x[0] for x in all_trials(*(x[None] for x in arrays))]


def _whole(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _rows(frames: int, width: int) -> int:
    """Returns how many rows of a minibatch the memory holds."""
    return MEMORY // (BYTES * frames * width) // ROWS * ROWS


def _packed(array: Array, cells: int, beside: int, width: int) -> Array:
    """Puts trials [trials, ..., n * H] side by side: [groups, ..., n * width]."""
    missing = -len(array) % beside
    array = jnp.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)])
    array = array.reshape(
        -1, beside, *array.shape[1:-1], array.shape[-1] // cells, cells
    )
    array = jnp.moveaxis(array, 1, -2)
    array = array.reshape(*array.shape[:-2], beside * cells)
    widths = [*[(0, 0)] * (array.ndim - 1), (0, width - beside * cells)]
    return jnp.pad(array, widths).reshape(*array.shape[:-2], -1)


def _unpacked(array: Array, cells: int, beside: int, width: int) -> Array:
    """Returns what was given to `_packed`, and empty trials at its end."""
    *leading, _ = array.shape
    array = array.reshape(*leading, -1, width)[..., : beside * cells]
    array = array.reshape(*array.shape[:-1], beside, cells)
    array = jnp.moveaxis(array, -2, 1)
    return array.reshape(-1, *leading[1:], array.shape[-2] * cells)


def _diagonal(kernel: Array, cells: int) -> Array:
    """Returns weights [groups, width, 4 * width] of kernels [groups, H, 4 * width] side
    by side: the cells of a trial reach its own gates alone."""
    width = kernel.shape[-1] // 4
    trial = jnp.arange(width) // cells
    same = trial[:, None] == jnp.tile(trial, 4)
    kernel = jnp.tile(kernel, (1, -(-width // cells), 1))[:, :width]
    return jnp.where(same, kernel, 0)


def _sigmoid(x: Array) -> Array:
    return jnp.tanh(x * 0.5) * 0.5 + 0.5


def _forward(precision, kernel, mask, projected, hidden, cell, *out):
    hidden_out, cell_out, gates_out = out

    def step(t, carry):
        h, c = carry
        z = projected[t] + jnp.dot(h, kernel[...], precision=precision)
        i, f, g, o = jnp.split(z, 4, axis=-1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), jnp.tanh(g), _sigmoid(o)
        keep, moved = mask[t] > 0, f * c + i * g
        h, c = jnp.where(keep, o * jnp.tanh(moved), h), jnp.where(keep, moved, c)
        hidden_out[t], cell_out[t] = h, c
        gates_out[t] = jnp.concatenate([i, f, g, o], axis=-1)
        return h, c

    lax.fori_loop(0, len(projected), step, (hidden[...], cell[...]))


def _backward(precision, kernel, mask, hidden_bar, cell, gates, first, *end_and_out):
    hidden_end, cell_end, z_out, hidden_out, cell_out = end_and_out
    frames = len(cell)

    def step(done, carry):
        h_bar, c_bar = carry
        t = frames - 1 - done
        i, f, g, o = jnp.split(gates[t], 4, axis=-1)
        before = jnp.where(t == 0, first[...], cell[jnp.maximum(t - 1, 0)])
        keep, tanh_cell = mask[t] > 0, jnp.tanh(cell[t])
        h_bar += hidden_bar[t]
        c_bar += jnp.where(keep, h_bar * o * (1 - tanh_cell * tanh_cell), 0)
        by_gate = (
            c_bar * g * i * (1 - i),
            c_bar * before * f * (1 - f),
            c_bar * i * (1 - g * g),
            h_bar * tanh_cell * o * (1 - o),
        )
        z_bar = jnp.concatenate([jnp.where(keep, x, 0) for x in by_gate], axis=-1)
        z_out[t] = z_bar
        passed = lax.dot_general(
            z_bar, kernel[...], (((1,), (1,)), ((), ())), precision=precision
        )
        return jnp.where(keep, passed, h_bar), jnp.where(keep, c_bar * f, c_bar)

    start = hidden_end[...], cell_end[...]
    hidden_out[...], cell_out[...] = lax.fori_loop(0, frames, step, start)
