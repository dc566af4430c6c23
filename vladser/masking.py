"""Masked arithmetic: padding may hold anything, NaN included, and reaches neither
results nor gradients."""

import jax
import jax.numpy as jnp

from vladser.types import Array


def clean(frames: Array, mask: Array) -> jax.Array:
    """Replaces frames [..., D] by zeros where the mask [...] is False.

    This must precede any arithmetic: NaN times zero is NaN.
    """
    return jnp.where(mask[..., None], frames, 0)


def l2_normalize(vector: Array) -> Array:
    """Scales the last axis to length 1; a zero vector stays zero, with gradient zero.

    Vectors shorter than 1e-12 count as zero: intermediates of their gradient grow with
    the third power of 1 / length and would leave the range of float32.
    """
    squares = jnp.sum(vector**2, axis=-1, keepdims=True)
    positive = squares > 1e-24
    return vector * jnp.where(positive, jnp.where(positive, squares, 1.0) ** -0.5, 0.0)
