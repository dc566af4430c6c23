"""Scans over time in chunks, whose number only the device knows.

A compiled program has arrays of one length, but speech has many: the loops here run
over as many chunks as the longest utterance at hand has, so one program serves all
lengths and next to nothing is padded.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.types import Array, PyTree

CHUNK = 16  # frames: small enough that a chunk's arrays stay in a core's cache


class Scan(NamedTuple):
    """A function of parameters that looks at one chunk of time after the other.

    Attributes:
      start: params -> carry.
      run: (params, carry, index) -> what both `chunk` and its gradient need, computed
        once; it is not differentiated.
      chunk: (params, carry, index, run) -> (carry, out). It must be cheap but for its
        gradient: it is computed again on the way back.
      finish: (params, carry, outs) -> value; outs [capacity, ...] holds zeros for the
        chunks beyond the last.
    """

    start: Callable
    run: Callable
    chunk: Callable
    finish: Callable


def count(frames: Array) -> Array:
    """Chunks that so many frames take. Where trainings are vmapped, the most that any
    of them takes: they then run together."""
    return _largest(-(-frames // CHUNK))


def space(scan: Scan, params: PyTree, capacity: int) -> PyTree:
    """Memory for `value_and_gradient` of at most `capacity` chunks.

    To allocate it costs as much as to fill it, each time anew, therefore it is handed
    from one call to the next.
    """

    def saved(params):
        carry = scan.start(params)
        return carry, scan.run(params, carry, 0)

    return _zeros(jax.eval_shape(saved, params), capacity)


def value(scan: Scan, params: PyTree, count: Array, capacity: int) -> PyTree:
    """What `scan.finish` makes of the first `count` chunks, of at most `capacity`."""
    carry = scan.start(params)

    def step(index, state):
        carry, outs = state
        carry, out = scan.chunk(params, carry, index, scan.run(params, carry, index))
        return carry, _put(outs, index, out)

    outs = _outs(scan, params, capacity)
    return scan.finish(params, *lax.fori_loop(0, count, step, (carry, outs)))


def value_and_gradient(
    scan: Scan, params: PyTree, count: Array, space: PyTree
) -> tuple[Array, PyTree, PyTree]:
    """`value`, its gradient with respect to the parameters, and the space again."""
    carry, start_pullback = jax.vjp(scan.start, params)
    capacity = jax.tree.leaves(space)[0].shape[0]

    def forward(index, state):
        carry, outs, space = state
        run = scan.run(params, carry, index)
        space = _put(space, index, (carry, run))
        carry, out = scan.chunk(params, carry, index, run)
        return carry, _put(outs, index, out), space

    outs = _outs(scan, params, capacity)
    state = lax.fori_loop(0, count, forward, (carry, outs, space))
    carry, outs, space = state
    value, pullback = jax.vjp(scan.finish, params, carry, outs)
    gradient, carry_bar, outs_bar = pullback(jnp.ones_like(value))

    def backward(done, state):
        gradient, carry_bar = state
        index = count - 1 - done
        carry, run = _get(space, index)
        _, pullback = jax.vjp(
            lambda params, carry: scan.chunk(params, carry, index, run), params, carry
        )
        here, carry_bar = pullback((carry_bar, _get(outs_bar, index)))
        return jax.tree.map(jnp.add, gradient, here), carry_bar

    gradient, carry_bar = lax.fori_loop(0, count, backward, (gradient, carry_bar))
    (here,) = start_pullback(carry_bar)
    return value, jax.tree.map(jnp.add, gradient, here), space


@jax.custom_batching.custom_vmap
def _largest(number: Array) -> Array:
    return number


@_largest.def_vmap
def _(size, batched, numbers):
    return _largest(numbers.max()), False


def _outs(scan: Scan, params: PyTree, capacity: int) -> PyTree:
    def out(params):
        carry = scan.start(params)
        return scan.chunk(params, carry, 0, scan.run(params, carry, 0))[1]

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
