"""Arrays [slots, ...] of which one slot is written or read at a time.

Under vmap jax makes scatters and gathers of slice updates, even where all trials use
one slot, and copies of memory that is not yet written. Here they stay slices, and
memory is only allocated.
"""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from vladser.types import Array, PyTree


def put(arrays: PyTree, index: Array, values: PyTree) -> PyTree:
    """Returns arrays [slots, ...] with values [...] in the slot of an index []."""
    return jax.tree.map(lambda x, value: _put(0)(x, value, index), arrays, values)


def get(arrays: PyTree, index: Array) -> PyTree:
    """Returns the slot of an index [] of arrays [slots, ...]."""
    return jax.tree.map(lambda x: _get(0)(x, index), arrays)


def allocate(like: PyTree, size: int, trial: Array) -> PyTree:
    """Returns memory [size, ...] for each array [...] of a tree; it may hold anything.

    Args:
      like: only its shapes and dtypes are used.
      size: of the axis that comes first.
      trial: any number [] of a trial, which has memory of its own under vmap.
    """
    return jax.tree.map(
        lambda x: _empty((size, *jnp.shape(x)), jnp.result_type(x))(trial), like
    )


def in_order(arrays: PyTree) -> PyTree:
    """Returns arrays whose slots lie one after another, whatever XLA would choose: two
    loops that choose differently have all of the memory copied in between."""
    return jax.tree.map(
        lambda x: with_layout_constraint(x, Layout(tuple(range(x.ndim)))), arrays
    )


@cache
def _put(axis: int) -> Callable:
    @jax.custom_batching.custom_vmap
    def put(array, value, index):
        return lax.dynamic_update_index_in_dim(array, value, index, axis)

    @put.def_vmap
    def _(size, batched, array, value, index):
        assert not batched[2]
        array, value = (
            x if has else jnp.broadcast_to(x, (size, *x.shape))
            for x, has in zip((array, value), batched, strict=False)
        )
        return _put(axis + 1)(array, value, index), True

    return put


@cache
def _get(axis: int) -> Callable:
    @jax.custom_batching.custom_vmap
    def get(array, index):
        return lax.dynamic_index_in_dim(array, index, axis, keepdims=False)

    @get.def_vmap
    def _(size, batched, array, index):
        assert batched == [True, False]
        return _get(axis + 1)(array, index), True

    return get


@cache
def _empty(shape: tuple[int, ...], dtype: jnp.dtype) -> Callable:
    @jax.custom_batching.custom_vmap
    def empty(trial):
        return lax.empty(shape, dtype)

    @empty.def_vmap
    def _(size, batched, trial):
        return _empty((size, *shape), dtype)(trial), True

    return empty
