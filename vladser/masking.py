"""Masked arithmetic: what the mask leaves out may hold anything, NaN included, and
reaches neither results nor gradients."""

import jax.numpy as jnp

from vladser.types import Array


def clean(frames: Array, mask: Array) -> Array:
    """Frames with zeros where the mask leaves out.

    Done before any arithmetic: a NaN that is multiplied by zero stays NaN.

    Args:
      frames: [..., D].
      mask: [...] bool.
    """
    return jnp.where(mask[..., None], frames, 0)


def l2_normalize(vector: Array) -> Array:
    """The last axis scaled to length 1; a zero vector stays zero, gradient zero."""
    squares = jnp.sum(vector**2, axis=-1, keepdims=True)
    positive = squares > jnp.finfo(vector.dtype).tiny
    return vector * jnp.where(positive, jnp.where(positive, squares, 1.0) ** -0.5, 0.0)
