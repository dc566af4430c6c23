"""The LSTM over a minibatch, with a custom gradient.

Autodiff of a scan accumulates the weight gradients step by step. Here everything that
does not depend on the previous step (the product of inputs and kernel, all weight
gradients, the derivatives of the gates) is computed for all frames at once, which
leaves one matrix product a step in each loop over time.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax import lax

from vladser.contracts import Encoder, Recurrence
from vladser.kernels.lstm import loops
from vladser.kernels.lstm_scan import Carry, Residuals
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    """Gates side by side in the order input, forget, cell, output."""

    input_kernel: Array  # [D, 4H]
    recurrent_kernel: Array  # [H, 4H]
    bias: Array  # [4H]


def lstm(*, cells: Count = 64, layers: Count = 1) -> Encoder:
    """Runs an LSTM with forget gates, or several, each over the outputs of the one
    before, with dropout between them.

    Huang et al. 2020, see `vladser.aggregators`, section 2; Gers, Schmidhuber, Cummins
    2000, "Learning to forget: continual prediction with LSTM".

    Args:
      cells: H, the size of the state of each layer.
      layers: how many.
    """
    if layers == 1:

        def apply(params, frames, mask):
            return unroll(params, start(params, frames.shape[1]), frames, mask)[0]

        return Encoder(
            lambda key, dim: init(key, dim, cells),
            apply,
            Recurrence(start, residuals, replay),
        )
    return _layered(cells, layers)


def _layered(cells: int, layers: int) -> Encoder:
    """Returns LSTMs on top of each other; params and carries are tuples of theirs."""

    def init_all(key, dim):
        keys, dims = jax.random.split(key, layers), (dim, *[cells] * (layers - 1))
        return tuple(init(k, d, cells) for k, d in zip(keys, dims, strict=True))

    def start_all(params, batch):
        return tuple(start(layer, batch) for layer in params)

    def residuals_all(params, carry, frames, mask, drop):
        saved = []
        for place, (layer, state) in enumerate(zip(params, carry, strict=True)):
            saved.append(residuals(layer, state, frames, mask))
            if place < layers - 1:
                frames = drop(saved[-1].hidden, place)
        return tuple(saved)

    def update_all(params, carry, frames, mask, saved, drop):
        states = []
        for place, of_layer in enumerate(zip(params, carry, saved, strict=True)):
            layer, state, kept = of_layer
            outputs, state = replay(layer, state, frames, mask, kept)
            states.append(state)
            if place < layers - 1:
                frames = drop(outputs, place)
        return outputs, tuple(states)

    def apply(params, frames, mask):
        for layer in params:
            frames, _ = unroll(layer, start(layer, frames.shape[1]), frames, mask)
        return frames

    between = (cells,) * (layers - 1)
    recurrence = Recurrence(start_all, residuals_all, update_all, between)
    return Encoder(init_all, apply, recurrence)


def init(key: Array, dim: int, cells: int) -> Params:
    """Draws initial parameters as Keras did when the paper was written.

    The input kernel as a whole is Glorot uniform, the recurrent kernel as a whole
    orthogonal; the bias is 1 for forget gates, else 0.
    """
    input_key, recurrent_key = jax.random.split(key)
    return Params(
        jax.nn.initializers.glorot_uniform()(input_key, (dim, 4 * cells)),
        jax.nn.initializers.orthogonal()(recurrent_key, (cells, 4 * cells)),
        jnp.zeros((4, cells)).at[1].set(1.0).ravel(),
    )


def start(params: Params, batch: int) -> Carry:
    """Returns the state before the first frame of `batch` utterances."""
    cells = params.recurrent_kernel.shape[0]
    zeros = jnp.zeros((batch, cells), params.bias.dtype)
    return Carry(zeros, zeros)


def unroll(
    params: Params, carry: Carry, frames: Array, mask: Array
) -> tuple[Array, Carry]:
    """Runs the LSTM over time.

    Args:
      params: of the LSTM.
      carry: the state before the first frame.
      frames: [T, B, D], finite.
      mask: [T, B] bool; where it is False the state stays as it is.

    Returns:
      The hidden states [T, B, H], and the state after the last frame.
    """
    saved = residuals(params, carry, frames, mask)
    return replay(params, carry, frames, mask, saved)


def residuals(params: Params, carry: Carry, frames: Array, mask: Array) -> Residuals:
    """Runs the forward pass of `unroll`, whose arguments it takes.

    It is not differentiated: `replay` has the gradient.
    """
    chex.assert_rank([frames, mask], [3, 2])
    chex.assert_equal_shape_prefix([frames, mask], 2)
    params, frames, carry = lax.stop_gradient((params, frames, carry))
    projected = frames @ params.input_kernel + params.bias
    kernel = params.recurrent_kernel
    return loops(projected).forward(projected, mask, kernel, carry)


@jax.custom_vjp
def replay(
    params: Params, carry: Carry, frames: Array, mask: Array, saved: Residuals
) -> tuple[Array, Carry]:
    """Returns what `unroll` returns of these arguments, differentiably, from their
    `residuals`."""
    return saved.hidden, Carry(saved.hidden[-1], saved.cell[-1])


def _forward(*arguments):
    return replay(*arguments), arguments


def _backward(arguments, cotangents):
    params, carry, frames, mask, saved = arguments
    recurrent = params.recurrent_kernel
    hidden_bar, carry_bar = cotangents
    given = hidden_bar, Carry(*carry_bar), mask, recurrent, carry, saved
    z_bar, carry_bar = loops(saved.gates).backward(*given)
    before = jnp.concatenate([carry.hidden[None], saved.hidden[:-1]])
    # One product gives the gradients of both kernels.
    inputs = jnp.concatenate([frames, before], axis=-1)
    inputs = inputs.reshape(-1, inputs.shape[-1]).T
    kernels_bar, dim = inputs @ z_bar.reshape(-1, z_bar.shape[-1]), frames.shape[-1]
    params_bar = Params(kernels_bar[:dim], kernels_bar[dim:], z_bar.sum(axis=(0, 1)))
    return params_bar, carry_bar, z_bar @ params.input_kernel.T, None, None


replay.defvjp(_forward, _backward)
