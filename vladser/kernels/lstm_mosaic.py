"""The LSTM's loops over time as one kernel in each direction, for TPUs.

A core walks through all frames of a block of rows of a minibatch, whose state stays in
registers. Under vmap the trials are on the grid: one launch serves them all. What does
not depend on the previous step is computed again rather than read.

The functions are those of `lstm_scan`, with the same arguments.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu

from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.types import Array

ROWS, LANES = 8, 128  # of a vector
MOST = 256  # cells, whose weights the memory holds beside a block
MEMORY = 12 * 2**20  # bytes for a block, of the 16 MiB that a kernel has by default


def takes(projected: Array) -> bool:
    """Returns whether the kernels are made for arrays [T, B, 4H] such as this: a core's
    memory has to hold all frames of as many rows as a vector has."""
    frames, _, gates = projected.shape
    fit = gates // 4 <= MOST and _rows(frames, gates // 4) > 0
    return projected.dtype == jnp.float32 and fit


def forward(
    projected: Array, mask: Array, kernel: Array, carry: Carry, interpret: bool = False
) -> Residuals:
    """See `lstm_scan.forward`; `interpret` runs it anywhere, slowly."""
    states = (*mask.shape, len(kernel))
    shapes = states, states, projected.shape
    inputs = projected, *carry
    return Residuals(*_call(_forward, kernel, mask, inputs, shapes, interpret))


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
    inputs = hidden_bar, saved.cell, saved.gates, carry.cell, *carry_bar
    shapes = saved.gates.shape, *[carry.cell.shape] * 2
    z_bar, *state = _call(_backward, kernel, mask, inputs, shapes, interpret)
    return z_bar, Carry(*state)


def _rows(frames: int, cells: int) -> int:
    """Returns how many rows of a minibatch fit into the memory, in whole vectors."""
    # Of a frame there are, in each direction, a mask, all gates twice and two arrays
    # more; and there are two blocks, since one is computed while another is on its way.
    sizes = 1, 4 * cells, 4 * cells, cells, cells
    numbers = 2 * frames * sum(pl.cdiv(size, LANES) * LANES for size in sizes)
    return MEMORY // (4 * numbers) // ROWS * ROWS


def _call(
    body: Callable[..., None],
    kernel: Array,
    mask: Array,
    inputs: Sequence[Array],
    shapes: Sequence[tuple[int, ...]],
    interpret: bool,
) -> list[Array]:
    """Calls a kernel that reads arrays [..., B, n] and writes such shapes."""
    frames, batch = mask.shape
    blocks = pl.cdiv(batch, _rows(frames, len(kernel)))
    rows = batch if blocks == 1 else pl.cdiv(batch, blocks * ROWS) * ROWS
    asked = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    precision = lax.Precision(asked)
    if precision == lax.Precision.HIGH:  # which Mosaic does not have
        precision = lax.Precision.HIGHEST

    def part(shape):
        *before, _, last = shape
        zeros = [0] * len(before)
        return pl.BlockSpec((*before, rows, last), lambda i: (*zeros, i, 0))

    inputs = mask[..., None].astype(jnp.int32), *inputs
    weights = pl.BlockSpec(kernel.shape, lambda i: (0, 0))
    call = pl.pallas_call(
        partial(body, precision),
        grid=(blocks,),
        in_specs=[weights, *(part(x.shape) for x in inputs)],
        out_specs=[part(shape) for shape in shapes],
        out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes],
        compiler_params=tpu.CompilerParams(dimension_semantics=("parallel",)),
        name=f"lstm{body.__name__}",
        interpret=interpret,
    )
    return call(kernel, *inputs)


def _is_cell_gate(kernel: Any) -> Array:
    cells, gates = kernel.shape
    lane = lax.broadcasted_iota(jnp.int32, (1, gates), 1)
    return (lane >= 2 * cells) & (lane < 3 * cells)


def _forward(precision, kernel, mask, projected, hidden, cell, *out):
    hidden_out, cell_out, gates_out = out
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh serves all four gates.
    is_cell_gate = _is_cell_gate(kernel)
    scale = jnp.where(is_cell_gate, 1.0, 0.5)
    shift = jnp.where(is_cell_gate, 0.0, 0.5)

    def step(t, carry):
        h, c = carry
        z = projected[t] + jnp.dot(h, kernel[...], precision=precision)
        gates = jnp.tanh(z * scale) * scale + shift
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        keep, moved = mask[t] > 0, f * c + i * g
        h, c = jnp.where(keep, o * jnp.tanh(moved), h), jnp.where(keep, moved, c)
        hidden_out[t], cell_out[t], gates_out[t] = h, c, gates
        return h, c

    lax.fori_loop(0, len(projected), step, (hidden[...], cell[...]))


def _backward(precision, kernel, mask, hidden_bar, cell, gates, first, *end_and_out):
    hidden_end, cell_end, z_out, hidden_out, cell_out = end_and_out
    is_cell_gate, frames = _is_cell_gate(kernel), len(cell)
    over_gates = ((1,), (1,)), ((), ())

    def step(done, carry):
        h_bar, c_bar = carry
        t = frames - 1 - done
        keep, gate, tanh_cell = mask[t] > 0, gates[t], jnp.tanh(cell[t])
        i, f, g, o = jnp.split(gate, 4, axis=-1)
        before = jnp.where(t == 0, first[...], cell[jnp.maximum(t - 1, 0)])
        h_bar += hidden_bar[t]
        c_bar += jnp.where(keep, h_bar * o * (1 - tanh_cell**2), 0)
        local = jnp.where(is_cell_gate, 1 - gate**2, gate * (1 - gate))
        factor = jnp.concatenate([g, before, i, tanh_cell], axis=-1)
        by_gate = jnp.concatenate([c_bar, c_bar, c_bar, h_bar], axis=-1)
        z_bar = jnp.where(keep, by_gate * local * factor, 0)
        z_out[t] = z_bar
        passed = lax.dot_general(z_bar, kernel[...], over_gates, precision=precision)
        return jnp.where(keep, passed, h_bar), jnp.where(keep, c_bar * f, c_bar)

    end = hidden_end[...], cell_end[...]
    hidden_out[...], cell_out[...] = lax.fori_loop(0, frames, step, end)
