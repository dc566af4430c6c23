"""Scans over time in blocks, whose number only the device knows.

A compiled program has arrays of one length, but speech has many: the loops here run
over as many blocks as the longest utterance at hand has, so one program serves all
lengths and next to nothing is padded.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.types import Array, PyTree

BLOCK = 16  # frames: small enough that a block's arrays stay in a core's cache


class Scan(NamedTuple):
    """A function of parameters that looks at one block of time after the other.

    Attributes:
      start: params -> carry.
      residuals: (params, carry, index) -> what both `block` and its gradient need,
        computed once; it is not differentiated.
      block: (params, carry, index, residuals) -> (carry, out). It must be cheap but
        for its gradient: it is computed again on the way back.
      finish: (params, carry, outs) -> value; outs [capacity, ...] holds zeros for the
        blocks beyond the last.
    """

    start: Callable
    residuals: Callable
    block: Callable
    finish: Callable


def count(frames: Array) -> Array:
    """Blocks that so many frames take. Where trainings are vmapped, the most that any
    of them takes: they then run together."""
    return _largest(-(-frames // BLOCK))


def workspace(scan: Scan, params: PyTree, capacity: int) -> PyTree:
    """Memory for `value_and_gradient` of at most `capacity` blocks.

    To allocate it costs as much as to fill it, each time anew, therefore it is handed
    from one call to the next.
    """

    def saved(params):
        carry = scan.start(params)
        return carry, scan.residuals(params, carry, 0)

    return _zeros(jax.eval_shape(saved, params), capacity)


def value(scan: Scan, params: PyTree, count: Array, capacity: int) -> PyTree:
    """What `scan.finish` makes of the first `count` blocks, of at most `capacity`."""
    carry = scan.start(params)

    def step(index, state):
        carry, outs = state
        saved = scan.residuals(params, carry, index)
        carry, out = scan.block(params, carry, index, saved)
        return carry, _put(outs, index, out)

    outs = _outs(scan, params, capacity)
    return scan.finish(params, *lax.fori_loop(0, count, step, (carry, outs)))


def value_and_gradient(
    scan: Scan, params: PyTree, count: Array, capacity: int, workspace: PyTree
) -> tuple[Array, PyTree, PyTree]:
    """`value`, its gradient with respect to the parameters, and the workspace again."""
    carry, start_pullback = jax.vjp(scan.start, params)

    def forward(index, state):
        carry, outs, workspace = state
        saved = scan.residuals(params, carry, index)
        workspace = _put(workspace, index, (carry, saved))
        carry, out = scan.block(params, carry, index, saved)
        return carry, _put(outs, index, out), workspace

    outs = _outs(scan, params, capacity)
    state = lax.fori_loop(0, count, forward, (carry, outs, workspace))
    carry, outs, workspace = state
    value, pullback = jax.vjp(scan.finish, params, carry, outs)
    gradient, carry_bar, outs_bar = pullback(jnp.ones_like(value))

    def backward(done, state):
        gradient, carry_bar = state
        index = count - 1 - done
        carry, saved = _get(workspace, index)
        _, pullback = jax.vjp(
            lambda params, carry: scan.block(params, carry, index, saved), params, carry
        )
        here, carry_bar = pullback((carry_bar, _get(outs_bar, index)))
        return jax.tree.map(jnp.add, gradient, here), carry_bar

    gradient, carry_bar = lax.fori_loop(0, count, backward, (gradient, carry_bar))
    (here,) = start_pullback(carry_bar)
    return value, jax.tree.map(jnp.add, gradient, here), workspace


@jax.custom_batching.custom_vmap
def _largest(number: Array) -> Array:
    return number


@_largest.def_vmap
def _(size, batched, numbers):
    return _largest(numbers.max()), False


def _outs(scan: Scan, params: PyTree, capacity: int) -> PyTree:
    def out(params):
        carry = scan.start(params)
        saved = scan.residuals(params, carry, 0)
        return scan.block(params, carry, 0, saved)[1]

    return _zeros(jax.eval_shape(out, params), capacity)


def _zeros(shapes: PyTree, capacity: int) -> PyTree:
    return jax.tree.map(lambda s: jnp.zeros((capacity, *s.shape), s.dtype), shapes)


def _put(arrays: PyTree, index: Array, values: PyTree) -> PyTree:
    def leaf(array, value):
        return lax.dynamic_update_index_in_dim(array, value, index, 0)

    return jax.tree.map(leaf, arrays, values)


def _get(arrays: PyTree, index: Array) -> PyTree:
    def leaf(array):
        return lax.dynamic_index_in_dim(array, index, keepdims=False)

    return jax.tree.map(leaf, arrays)
