"""Masked arithmetic: what the mask leaves out may hold anything, NaN included, and
reaches neither results nor gradients."""

import jax
import jax.numpy as jnp

from vladser.types import Array


def clean(frames: Array, mask: Array) -> jax.Array:
    """Frames with zeros where the mask leaves out.

    Done before any arithmetic: a NaN that is multiplied by zero stays NaN.

    Args:
      frames: [..., D].
      mask: [...] bool.
    """
    return jnp.where(mask[..., None], frames, 0)


def l2_normalize(vector: Array) -> Array:
    """The last axis scaled to length 1; a zero vector stays zero, gradient zero.

    What is shorter than 1e-12 counts as zero: the gradient of its direction, of the
    order of the third power of 1 / length, would leave the range of float32.
    """
    squares = jnp.sum(vector**2, axis=-1, keepdims=True)
    positive = squares > 1e-24
    return vector * jnp.where(positive, jnp.where(positive, squares, 1.0) ** -0.5, 0.0)
