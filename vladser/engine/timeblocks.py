"""Scans over time in blocks, whose number only the device knows.

A compiled program has arrays of one length, but speech has many: the loops here run
over as many blocks as the longest utterance at hand has, so one program serves all
lengths and next to nothing is padded.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from vladser.engine import slots
from vladser.types import Array, PyTree

UNIT = 16  # frames, of which blocks are multiples


class Blocks(NamedTuple):
    """How time is cut, the longest utterance's."""

    number: int
    frames: int  # of each

    def holding(self, frames: Any) -> Any:
        """Returns how many blocks hold some numbers of frames, [...] int."""
        return -(-frames // self.frames)


class Scan(NamedTuple):
    """A function of parameters that looks at one block of time after the other.

    Attributes:
      start: params -> carry.
      residuals: (params, carry, index) -> what both `block` and its gradient need,
        computed once; it is not differentiated.
      block: (params, carry, index, residuals) -> (carry, out). It must be cheap but
        for its gradient: it is computed again on the way back.
      finish: (params, carry, outs) -> value; outs [blocks, ...] holds zeros for the
        blocks beyond the last, of which there may be some.
    """

    start: Callable
    residuals: Callable
    block: Callable
    finish: Callable


def cut(longest: int, frames: int) -> Blocks:
    """Cuts time into blocks of some frames, enough for the longest utterance."""
    return Blocks(-(-longest // frames), frames)


def count(blocks: Blocks, frames: Array) -> Array:
    """Returns how many blocks hold a trial's frames []. Where trials are vmapped, it is
    the most that any of them needs: they then run together."""
    return _largest(blocks.holding(frames))


@jax.custom_batching.custom_vmap
def _largest(number: Array) -> Array:
    return number


@_largest.def_vmap
def _(size, batched, numbers):
    return _largest(numbers.max()), False


def empty_workspace(
    start: Callable, residuals: Callable, params: PyTree, capacity: int
) -> PyTree:
    """Allocates memory for `value_and_gradient` of a Scan of at most `capacity` blocks.

    To allocate it costs as much as to fill it, each time anew, therefore it is handed
    from one call to the next.
    """

    def saved(params):
        carry = start(params)
        return carry, residuals(params, carry, 0)

    return _zeros(jax.eval_shape(saved, params), capacity)


def value(scan: Scan, params: PyTree, count: Array, capacity: int) -> PyTree:
    """Returns what `scan.finish` makes of the first `count` blocks, of at most
    `capacity`."""
    carry, outs, _ = _forward(scan, params, scan.start(params), count, capacity)
    return _at_length(scan.finish, count, capacity)(params, carry, outs)


def value_and_gradient(
    scan: Scan, params: PyTree, count: Array, capacity: int, workspace: PyTree
) -> tuple[Array, PyTree, PyTree]:
    """Returns `value`, its gradient by the parameters, and the workspace again."""
    carry, start_pullback = jax.vjp(scan.start, params)
    state = _forward(scan, params, carry, count, capacity, workspace)
    carry, outs, workspace = state

    def finish(params, carry, outs):
        value, pullback = jax.vjp(scan.finish, params, carry, outs)
        gradient, carry_bar, outs_bar = pullback(jnp.ones_like(value))
        rest = partial(_extended, capacity=capacity)
        return value, gradient, carry_bar, jax.tree.map(rest, outs_bar)

    finish = _at_length(finish, count, capacity)
    value, gradient, carry_bar, outs_bar = finish(params, carry, outs)

    def backward(done, state):
        gradient, carry_bar = state
        index = count - 1 - done
        carry, saved = slots.get(slots.in_order(workspace), index)
        _, pullback = jax.vjp(
            lambda params, carry: scan.block(params, carry, index, saved), params, carry
        )
        here, carry_bar = pullback((carry_bar, slots.get(outs_bar, index)))
        return jax.tree.map(jnp.add, gradient, here), carry_bar

    gradient, carry_bar = lax.fori_loop(0, count, backward, (gradient, carry_bar))
    (here,) = start_pullback(carry_bar)
    return value, jax.tree.map(jnp.add, gradient, here), workspace


def _at_length(finish: Callable, count: Array, capacity: int) -> Callable:
    """Returns `finish` of a quarter of the outs, half of them or all, which hold the
    first `count` blocks: it looks at all that it is given."""

    def of(size):
        def of_size(params, carry, outs):
            return finish(params, carry, jax.tree.map(lambda x: x[:size], outs))

        return of_size

    def dispatch(params, carry, outs):
        if not jax.tree.leaves(outs):
            return finish(params, carry, outs)
        sizes = sorted({-(-capacity // n) for n in (4, 2, 1)})
        index = sum(jnp.int32(count > size) for size in sizes[:-1])
        return lax.switch(index, [of(size) for size in sizes], params, carry, outs)

    return dispatch


def _extended(array: Array, capacity: int) -> Array:
    widths = [(0, capacity - len(array)), *[(0, 0)] * (array.ndim - 1)]
    return jnp.pad(array, widths)


def _forward(scan, params, carry, count, capacity, workspace=None):
    """Returns the last carry, the outs, and the workspace with what each block needs
    on the way back."""

    def step(index, state):
        carry, outs, workspace = state
        saved = scan.residuals(params, carry, index)
        if workspace is not None:
            workspace = slots.in_order(slots.put(workspace, index, (carry, saved)))
        carry, out = scan.block(params, carry, index, saved)
        return carry, slots.put(outs, index, out), workspace

    def out(params, carry):
        return scan.block(params, carry, 0, scan.residuals(params, carry, 0))[1]

    state = carry, _zeros(jax.eval_shape(out, params, carry), capacity), workspace
    return lax.fori_loop(0, count, step, state)


def _zeros(shapes: PyTree, capacity: int) -> PyTree:
    return jax.tree.map(lambda s: jnp.zeros((capacity, *s.shape), s.dtype), shapes)
