"""The LSTM's loops over time as scans: one matrix product a step in each.

Everything that does not depend on the previous step is computed for all frames at once.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.types import Array


class Carry(NamedTuple):
    """The state after some frames."""

    hidden: Array  # [B, H]
    cell: Array  # [B, H]


class Residuals(NamedTuple):
    """What the gradient reuses of the forward pass; states are those after a frame."""

    hidden: Array  # [T, B, H]
    cell: Array  # [T, B, H]
    gates: Array  # [T, B, 4H], side by side in the order input, forget, cell, output


def forward(projected: Array, mask: Array, kernel: Array, carry: Carry) -> Residuals:
    """Runs the LSTM over time.

    Args:
      projected: [T, B, 4H], what the inputs and the bias give to the gates.
      mask: [T, B] bool; where it is False the state stays as it is.
      kernel: [H, 4H], the recurrent one.
      carry: the state before the first frame.
    """
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh serves all four gates.
    is_cell_gate = _is_cell_gate(kernel)
    scale = jnp.where(is_cell_gate, 1.0, 0.5)
    shift = jnp.where(is_cell_gate, 0.0, 0.5)

    def step(carry, inputs):
        projected, keep = inputs
        z = projected + carry.hidden @ kernel
        gates = jnp.tanh(z * scale) * scale + shift
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        cell = f * carry.cell + i * g
        new = Carry(o * jnp.tanh(cell), cell)
        carry = jax.tree.map(partial(jnp.where, keep[:, None]), new, carry)
        return carry, Residuals(carry.hidden, carry.cell, gates)

    return lax.scan(step, carry, (projected, mask))[1]


def backward(
    hidden_bar: Array,
    carry_bar: Carry,
    mask: Array,
    kernel: Array,
    carry: Carry,
    saved: Residuals,
) -> tuple[Array, Carry]:
    """Runs back through time.

    Args:
      hidden_bar: [T, B, H], the gradient by the hidden states.
      carry_bar: that by the state after the last frame.
      mask, kernel, carry: of `forward`.
      saved: what it returned.

    Returns:
      The gradients by `projected` [T, B, 4H], and by the state before the first frame.
    """
    _, cell, gates = saved
    keep = mask[..., None]
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    cell_before = jnp.concatenate([carry.cell[None], cell[:-1]])
    tanh_cell = jnp.tanh(cell)
    # Where the mask is False nothing reaches the gates, and the cell stays as it is.
    cell_by_hidden = jnp.where(keep, o * (1 - tanh_cell**2), 0)
    cell_by_cell = jnp.where(keep, f, 1)
    local = jnp.where(_is_cell_gate(kernel), 1 - gates**2, gates * (1 - gates))
    factor = jnp.concatenate([g, cell_before, i, tanh_cell], axis=-1)
    z_by_state = jnp.where(keep, local * factor, 0)
    # The barrier has XLA transpose once, not for each block of an utterance.
    transposed = lax.optimization_barrier(kernel.T)

    def step(carry_bar, inputs):
        hidden_bar, keep, cell_by_hidden, cell_by_cell, z_by_state = inputs
        h_bar = carry_bar.hidden + hidden_bar
        c_bar = carry_bar.cell + h_bar * cell_by_hidden
        z_bar = jnp.concatenate([c_bar, c_bar, c_bar, h_bar], axis=-1) * z_by_state
        passed = jnp.where(keep[:, None], 0, h_bar)
        return Carry(passed + z_bar @ transposed, c_bar * cell_by_cell), z_bar

    inputs = hidden_bar, mask, cell_by_hidden, cell_by_cell, z_by_state
    carry_bar, z_bar = lax.scan(step, carry_bar, inputs, reverse=True)
    return z_bar, carry_bar


def _is_cell_gate(kernel: Array) -> Array:
    return jnp.repeat(jnp.array([False, False, True, False]), len(kernel))
