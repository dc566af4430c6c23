"""The LSTM over a minibatch, with a gradient of its own.

The gradient that autodiff makes of a scan forms each weight gradient step by step. Here
time is cut into chunks that stay in cache: what does not depend on the previous step
(the input's product with its kernel, and every weight gradient) is one matrix product a
chunk.
"""

from functools import partial
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import lax

from vladser.types import Array

CHUNK = 16  # steps; measured on CPU: shorter and longer chunks are slower


class Params(NamedTuple):
    """Gates side by side in the order input, forget, cell, output."""

    input_kernel: Array  # [D, 4H]
    recurrent_kernel: Array  # [H, 4H]
    bias: Array  # [4H]


class Carry(NamedTuple):
    hidden: Array  # [B, H]
    cell: Array  # [B, H]


def init(key: Array, dim: int, cells: int) -> Params:
    """Initial weights as in Keras of the paper's day: Glorot uniform over the whole
    input kernel, orthogonal over the whole recurrent one, forget gate's bias 1."""
    input_key, recurrent_key = jax.random.split(key)
    return Params(
        jax.nn.initializers.glorot_uniform()(input_key, (dim, 4 * cells)),
        jax.nn.initializers.orthogonal()(recurrent_key, (cells, 4 * cells)),
        jnp.zeros((4, cells)).at[1].set(1.0).ravel(),
    )


def start(params: Params, batch: int) -> Carry:
    """The state before the first frame."""
    cells = params.recurrent_kernel.shape[0]
    zeros = jnp.zeros((batch, cells), params.bias.dtype)
    return Carry(zeros, zeros)


def unroll(
    params: Params, frames: Array, mask: Array, carry: Carry
) -> tuple[Array, Carry]:
    """Runs the LSTM over time.

    Args:
      frames: [T, B, D], finite.
      mask: [T, B] bool; a frame that it leaves out leaves the state as it was.
      carry: the state before the first frame.

    Returns:
      hidden [T, B, H] and the state after the last frame.
    """
    chex.assert_rank([frames, mask], [3, 2])
    chex.assert_equal_shape_prefix([frames, mask], 2)
    steps = frames.shape[0]
    padding = -steps % CHUNK
    frames, mask = (
        jnp.pad(x, [(0, padding)] + [(0, 0)] * (x.ndim - 1)) for x in (frames, mask)
    )
    hidden, carry = _unroll(params, frames, mask, carry)
    return hidden[:steps], carry


@jax.custom_vjp
def _unroll(params, frames, mask, carry):
    return _forward(params, frames, mask, carry)[0]


def _forward(params, frames, mask, carry):
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh serves all four gates.
    cells = params.recurrent_kernel.shape[0]
    is_cell_gate = jnp.repeat(jnp.array([False, False, True, False]), cells)
    scale = jnp.where(is_cell_gate, 1.0, 0.5)
    shift = jnp.where(is_cell_gate, 0.0, 0.5)

    def step(carry, inputs):
        projected, keep = inputs
        z = projected + carry.hidden @ params.recurrent_kernel
        gates = jnp.tanh(z * scale) * scale + shift
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        cell = f * carry.cell + i * g
        new = Carry(o * jnp.tanh(cell), cell)
        carry = jax.tree.map(partial(jnp.where, keep[:, None]), new, carry)
        return carry, (carry, gates)

    def chunk(carry, inputs):
        frames, mask = inputs
        projected = frames @ params.input_kernel + params.bias
        return lax.scan(step, carry, (projected, mask))

    last, (states, gates) = lax.scan(chunk, carry, (_cut(frames), _cut(mask)))
    return (_join(states.hidden), last), (params, frames, mask, carry, states, gates)


def _backward(residuals, cotangents):
    params, frames, mask, first, states, gates = residuals
    hidden_bar, carry_bar = cotangents
    # The state before each chunk: the first, then the last of the chunk before.
    before = jax.tree.map(
        lambda x, x0: jnp.concatenate([x0[None], x[:-1, -1]]), states, first
    )

    def step(carry_bar, inputs):
        hidden_bar, keep, (i, f, g, o), cell, previous_cell = inputs
        keep = keep[:, None]
        h_bar, c_bar = carry_bar.hidden + hidden_bar, carry_bar.cell
        h_live = jnp.where(keep, h_bar, 0)
        tanh_cell = jnp.tanh(cell)
        c_live = jnp.where(keep, c_bar, 0) + h_live * o * (1 - tanh_cell**2)
        z_bar = jnp.concatenate(
            [
                c_live * g * i * (1 - i),
                c_live * previous_cell * f * (1 - f),
                c_live * i * (1 - g**2),
                h_live * tanh_cell * o * (1 - o),
            ],
            axis=-1,
        )
        return Carry(
            jnp.where(keep, 0, h_bar) + z_bar @ params.recurrent_kernel.T,
            jnp.where(keep, c_live * f, c_bar),
        ), z_bar

    def chunk(accumulated, inputs):
        carry_bar, params_bar = accumulated
        frames, mask, before, states, gates, hidden_bar = inputs
        previous = jax.tree.map(
            lambda x, x0: jnp.concatenate([x0[None], x[:-1]]), states, before
        )
        gates = tuple(jnp.split(gates, 4, axis=-1))
        carry_bar, z_bar = lax.scan(
            step,
            carry_bar,
            (hidden_bar, mask, gates, states.cell, previous.cell),
            reverse=True,
        )
        here = Params(
            jnp.einsum("tbd,tbz->dz", frames, z_bar),
            jnp.einsum("tbh,tbz->hz", previous.hidden, z_bar),
            z_bar.sum(axis=(0, 1)),
        )
        params_bar = jax.tree.map(jnp.add, params_bar, here)
        return (carry_bar, params_bar), z_bar @ params.input_kernel.T

    (carry_bar, params_bar), frames_bar = lax.scan(
        chunk,
        (Carry(*carry_bar), jax.tree.map(jnp.zeros_like, params)),
        (_cut(frames), _cut(mask), before, states, gates, _cut(hidden_bar)),
        reverse=True,
    )
    return params_bar, _join(frames_bar), None, carry_bar


_unroll.defvjp(_forward, _backward)


def _cut(x: Array) -> Array:
    """[T, ...] -> [T / CHUNK, CHUNK, ...]."""
    return x.reshape(-1, CHUNK, *x.shape[1:])


def _join(x: Array) -> Array:
    return x.reshape(-1, *x.shape[2:])
