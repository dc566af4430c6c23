"""The LSTM's loops over time as one kernel in each direction, for NVIDIA GPUs.

A block of threads walks through all frames of 16 rows of a minibatch, whose state stays
in registers, as do the recurrent weights of up to 64 cells. Under vmap the trials are
on the grid: one launch serves them all. What does not depend on the previous step is
computed again rather than read.

The functions are those of `lstm_scan`, with the same arguments.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.types import Array

ROWS = 16  # of a block of threads: the fewest that matrix units take
WIDTHS = 64, 32, 16  # cells that are walked at once: their weights fit into registers
MOST = 256  # cells: their parts are unrolled
WARPS = 4  # that walk together


def takes(projected: Array) -> bool:
    """Returns whether the kernels are made for arrays [T, B, 4H] such as this."""
    cells = projected.shape[-1] // 4
    return projected.dtype == jnp.float32 and cells % WIDTHS[-1] == 0 and cells <= MOST


def forward(
    projected: Array, mask: Array, kernel: Array, carry: Carry, interpret: bool = False
) -> Residuals:
    """See `lstm_scan.forward`; `interpret` runs it anywhere, slowly."""
    frames, batch, _ = projected.shape
    rows, cells = -(-batch // ROWS) * ROWS, len(kernel)
    over_time = (frames, rows, cells), 1
    inputs = [
        *_rows(1, mask.astype(jnp.int32), _by_gate(projected)),
        (_by_gate(kernel), None),
        *_rows(0, *carry),
    ]
    outputs = over_time, over_time, ((frames, rows, 4, cells), 1)
    saved = _call(_forward, inputs, outputs, "lstm_forward", interpret)
    hidden, cell, gates = (x[:, :batch] for x in saved)
    return Residuals(hidden, cell, gates.reshape(projected.shape))


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
    frames, batch, cells = hidden_bar.shape
    rows = -(-batch // ROWS) * ROWS
    gates = _by_gate(saved.gates)
    inputs = [
        *_rows(1, mask.astype(jnp.int32), hidden_bar, saved.cell, gates),
        (_by_gate(kernel), None),
        *_rows(0, carry.cell, *carry_bar),
    ]
    outputs = ((frames, rows, 4, cells), 1), *[((rows, cells), 0)] * 2
    z_bar, *state = _call(_backward, inputs, outputs, "lstm_backward", interpret)
    z_bar = z_bar[:, :batch].reshape(saved.gates.shape)
    return z_bar, Carry(*(x[:batch] for x in state))


def _by_gate(array: Array) -> Array:
    return array.reshape(*array.shape[:-1], 4, -1)


def _rows(axis: int, *arrays: Array) -> Iterator[tuple[Array, int]]:
    """Pads arrays, whose rows are on an axis, to whole blocks of them."""
    for array in arrays:
        widths = [(0, 0)] * array.ndim
        widths[axis] = 0, -array.shape[axis] % ROWS
        yield jnp.pad(array, widths), axis


def _call(
    body: Callable[..., None],
    inputs: Sequence[tuple[Array, int | None]],
    outputs: Sequence[tuple[tuple[int, ...], int]],
    name: str,
    interpret: bool,
) -> list[Array]:
    """Calls a kernel whose arrays, and the shapes that it writes, have rows on an axis,
    or None where all rows see all of it."""

    def part(shape, axis):
        block = [ROWS if n == axis else size for n, size in enumerate(shape)]
        places = range(len(shape))
        return pl.BlockSpec(block, lambda i: tuple(i * (n == axis) for n in places))

    (shape, axis), *_ = outputs
    call = pl.pallas_call(
        body,
        grid=(shape[axis] // ROWS,),
        in_specs=[part(array.shape, axis) for array, axis in inputs],
        out_specs=[part(*output) for output in outputs],
        out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape, _ in outputs],
        compiler_params=triton.CompilerParams(num_warps=WARPS, num_stages=1),
        name=name,
        interpret=interpret,
    )
    return call(*(array for array, _ in inputs))


def _parts(cells: int) -> list[Any]:
    width = next(width for width in WIDTHS if cells % width == 0)
    return [pl.ds(first, width) for first in range(0, cells, width)]


def _weights(kernel: Any, parts: Sequence[Any]) -> Callable[..., Array]:
    """Returns what reads the weights of a gate from some cells to some; those of all
    cells are read once, before the loop."""
    if len(parts) > 1:
        return lambda gate, before, after: kernel[before, gate, after]
    kept = [kernel[:, gate, :] for gate in range(4)]
    return lambda gate, before, after: kept[gate]


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + jnp.exp(-x))


def _tanh(x: Array) -> Array:
    return 2 * _sigmoid(2 * x) - 1


def _forward(mask, projected, kernel, hidden, cell, *out):
    hidden_out, cell_out, gates_out = out
    parts = _parts(kernel.shape[0])
    weights = _weights(kernel, parts)

    def step(t, carry):
        keep, new = (mask[t, :] > 0)[:, None], []
        for part, (h, c) in zip(parts, carry, strict=True):
            z = [projected[t, :, gate, part] for gate in range(4)]
            for before, (state, _) in zip(parts, carry, strict=True):
                for gate in range(4):
                    z[gate] += state @ weights(gate, before, part)
            i, f, g, o = _sigmoid(z[0]), _sigmoid(z[1]), _tanh(z[2]), _sigmoid(z[3])
            moved = f * c + i * g
            h, c = jnp.where(keep, o * _tanh(moved), h), jnp.where(keep, moved, c)
            new.append((h, c))
            hidden_out[t, :, part], cell_out[t, :, part] = h, c
            for gate, value in enumerate((i, f, g, o)):
                gates_out[t, :, gate, part] = value
        return new

    carry = [(hidden[:, part], cell[:, part]) for part in parts]
    lax.fori_loop(0, projected.shape[0], step, carry)


def _backward(mask, hidden_bar, cell, gates, kernel, first, hidden_end, cell_end, *out):
    z_out, hidden_out, cell_out = out
    parts, frames = _parts(kernel.shape[0]), cell.shape[0]
    weights = _weights(kernel, parts)

    def step(done, carry):
        t = frames - 1 - done
        keep, start = (mask[t, :] > 0)[:, None], t == 0
        by_gates, passed = [], []
        for part, (h_bar, c_bar) in zip(parts, carry, strict=True):
            i, f, g, o = (gates[t, :, gate, part] for gate in range(4))
            earlier = cell[jnp.maximum(t - 1, 0), :, part]
            before = jnp.where(start, first[:, part], earlier)
            tanh_cell = _tanh(cell[t, :, part])
            h_bar += hidden_bar[t, :, part]
            c_bar += jnp.where(keep, h_bar * o * (1 - tanh_cell * tanh_cell), 0.0)
            products = (
                c_bar * g * i * (1 - i),
                c_bar * before * f * (1 - f),
                c_bar * i * (1 - g * g),
                h_bar * tanh_cell * o * (1 - o),
            )
            by_gate = [jnp.where(keep, x, 0.0) for x in products]
            for gate, value in enumerate(by_gate):
                z_out[t, :, gate, part] = value
            by_gates.append(by_gate)
            passed.append(
                (jnp.where(keep, 0.0, h_bar), jnp.where(keep, f, 1.0) * c_bar)
            )
        new = []
        for before, (h_bar, c_bar) in zip(parts, passed, strict=True):
            for part, by_gate in zip(parts, by_gates, strict=True):
                for gate, value in enumerate(by_gate):
                    h_bar += value @ weights(gate, before, part).T
            new.append((h_bar, c_bar))
        return new

    carry = [(hidden_end[:, part], cell_end[:, part]) for part in parts]
    carry = lax.fori_loop(0, frames, step, carry)
    for part, (h_bar, c_bar) in zip(parts, carry, strict=True):
        hidden_out[:, part], cell_out[:, part] = h_bar, c_bar
