"""A convolution over time, of all descriptors at once, with a custom gradient.

A kernel that spans all descriptors of `width` frames is a dense layer of those frames
side by side: one matrix product, and one more for its gradient, which reuses the
outputs.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.contracts import Encoder, Recurrence
from vladser.options import Count
from vladser.types import Array


class Params(NamedTuple):
    """The kernels, the earliest of the frames first."""

    kernel: Array  # [width x D, filters]
    bias: Array  # [filters]


def convolution(*, width: Count = 10, filters: Count = 200) -> Encoder:
    """Runs one layer of kernels that see a frame and those before it, and ReLU.

    After Neumann and Vu 2017, "Attentive Convolutional Neural Network Based Speech
    Emotion Recognition: A Study on the Impact of Input Features, Signal Length, and
    Acted Speech" (the abstract; sizes are ours). Zeros stand before the first frame.
    Nothing that is trained lies before the frames, so they get no gradient.

    Args:
      width: frames that a kernel spans.
      filters: H, the number of kernels.
    """

    def init(key, dim):
        draw = jax.nn.initializers.glorot_uniform()
        return Params(draw(key, (width * dim, filters)), jnp.zeros(filters))

    def start(params, batch):
        dim = params.kernel.shape[0] // width
        return jnp.zeros((width - 1, batch, dim), params.kernel.dtype)

    def residuals(params, carry, frames, mask):
        windows = _windows(_behind(carry, frames, mask), width)
        return lax.stop_gradient(jax.nn.relu(windows @ params.kernel + params.bias))

    def update(params, carry, frames, mask, outputs):
        known = lax.stop_gradient(_behind(carry, frames, mask))
        end = mask.argmax(axis=0) + mask.sum(axis=0)  # of the frames of each row
        last = end + jnp.arange(width - 1)[:, None]
        carry = jnp.take_along_axis(known, last[..., None], axis=0)
        return _replay(params, known, outputs), carry

    def apply(params, frames, mask):
        carry = start(params, frames.shape[1])
        outputs = residuals(params, carry, frames, mask)
        return update(params, carry, frames, mask, outputs)[0]

    return Encoder(init, apply, Recurrence(start, residuals, update))


def _behind(carry: Array, frames: Array, mask: Array) -> Array:
    """Returns frames [T, B, D] with those of the carry before the first that counts:
    [width - 1 + T, B, D]."""
    if not (before := carry.shape[0]):
        return frames
    first, place = mask.argmax(axis=0), jnp.arange(before + frames.shape[0])[:, None]
    index = jnp.clip(place - first, 0, before - 1)
    moved = jnp.take_along_axis(carry, index[..., None], axis=0)
    padded = jnp.concatenate([jnp.zeros_like(carry), frames])
    return jnp.where((place < first + before)[..., None], moved, padded)


def _windows(known: Array, width: int) -> Array:
    """Returns each frame side by side with those before it, [T, B, width x D]."""
    count = known.shape[0] - width + 1
    return jnp.concatenate([known[k : k + count] for k in range(width)], axis=-1)


@jax.custom_vjp
def _replay(params: Params, known: Array, outputs: Array) -> Array:
    """Returns the outputs, with a gradient to the parameters alone."""
    return outputs


def _forward(params, known, outputs):
    return outputs, (known, outputs)


def _backward(arguments, outputs_bar):
    known, outputs = arguments
    z_bar = jnp.where(outputs > 0, outputs_bar, 0)
    windows = _windows(known, known.shape[0] - outputs.shape[0] + 1)
    rows = windows.reshape(-1, windows.shape[-1]).T
    kernel_bar = rows @ z_bar.reshape(-1, z_bar.shape[-1])
    return Params(kernel_bar, z_bar.sum(axis=(0, 1))), None, None


_replay.defvjp(_forward, _backward)
