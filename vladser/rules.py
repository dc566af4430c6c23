"""What checks of a contract share: rules with a name, comparisons, derivatives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vladser.types import Array, PyTree

_TOLERANCE = 1e-9  # a mistake is larger, a rounding in float64 smaller


@contextmanager
def rule(text: str) -> Iterator[None]:
    """Turns whatever fails inside into an AssertionError that names the rule; enables
    float64."""
    try:
        with jax.enable_x64(True):
            yield
    except Exception as error:
        raise AssertionError(f"{text}: {error}") from error


def expect(holds: Any, otherwise: str) -> None:
    """Raises an AssertionError, under python -O too."""
    if not holds:
        raise AssertionError(otherwise)


def expect_finite(tree: PyTree) -> None:
    """Expects that no array of a tree has NaN or infinite numbers."""
    for leaf in jax.tree.leaves(tree):
        expect(np.isfinite(leaf).all(), "expected finite numbers, got NaN or infinity")


def expect_same(made: PyTree, expected: PyTree) -> None:
    """Expects that two trees are equal but for rounding.

    Compares the Euclidean norm of their difference, all arrays together, with that of
    what is expected: where a sum cancels, a single number may have lost its digits.

    Args:
      made: a tree of arrays.
      expected: another.
    """
    shapes = [jax.tree.map(np.shape, tree) for tree in (made, expected)]
    expect(shapes[0] == shapes[1], f"expected shapes {shapes[1]}, got {shapes[0]}")
    pairs = [*zip(jax.tree.leaves(made), jax.tree.leaves(expected), strict=True)]
    error = sum(np.sum((np.asarray(a) - np.asarray(b)) ** 2) for a, b in pairs) ** 0.5
    size = sum(np.sum(np.square(b)) for _, b in pairs) ** 0.5
    said = f"expected equal numbers, got a difference of {error:.1e} of {size:.1e}"
    expect(error <= _TOLERANCE * size, said)


def expect_state(
    start: Callable, update: Callable, params: PyTree, *block: Any
) -> None:
    """Expects that a state has the same types before and after an update.

    Otherwise loops cannot carry it, and a program that is called again is compiled
    again.

    Args:
      start: params -> state.
      update: (params, state, *block) -> state.
      params: of the part.
      *block: what the update takes in.
    """
    with rule("update keeps the structure, shapes and dtypes of the state"):
        before = jax.eval_shape(start, params)
        after = jax.eval_shape(update, params, before, *block)
        pairs = zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=False)
        changed = [f"{old} became {new}" for old, new in pairs if old != new]
        expect(after == before, ", ".join(changed) or f"{before} became {after}")


def expect_floats(init: Callable, *arguments: Any) -> None:
    """Expects that a function makes a pytree of floats."""
    with rule("parameters and states are pytrees of floats"):
        for leaf in jax.tree.leaves(jax.eval_shape(init, *arguments)):
            expect(jnp.issubdtype(leaf.dtype, jnp.floating), f"got {leaf.dtype}")


def parameters(part: Any, *sizes: int) -> PyTree:
    """Initializes a part twice, and expects the same.

    Args:
      part: has `init`.
      *sizes: the arguments of `init` after the key.

    Returns:
      The parameters in float64, moved away from zeros, which hide mistakes.
    """

    def init(key):
        return part.init(key, *sizes)

    key = jax.random.key(0)
    expect_floats(init, key)
    # Not vmapped: on a CPU, QR factorizations of several batches at once can each wait
    # for threads that the others hold, for ever (jaxlib 0.10.2).
    with rule("init depends on the key and the sizes alone, and can be compiled"):
        params, again = (jax.jit(partial(init))(key) for _ in range(2))
        expect_same(again, params)
    draw = np.random.default_rng(1)
    return jax.tree.map(lambda p: np.float64(p) + draw.normal(0, 0.1, p.shape), params)


def row(tree: PyTree, place: int) -> PyTree:
    """Returns the tree of what is at a place of each array."""
    return jax.tree.map(lambda leaf: leaf[place], tree)


def differentiate(function: Callable, keep: Callable | None = None) -> Callable:
    """Compiles a function, its gradients and a leading axis of everything.

    Args:
      function: (params, inputs, *others) -> array; inputs is a pytree of floats.
      keep: (array, params, inputs, *others) -> what of the array is differentiated; by
        default all.

    Returns:
      (params, inputs [N, ...], *others [N, ...]) -> array [N, ...], and the gradients
      by params and inputs, [N, ...], of a sum over what is kept.
    """

    def loss(*arguments):
        value = function(*arguments)
        kept = keep(value, *arguments) if keep else value
        return jnp.sum(jnp.sin(kept)), value

    run = jax.jit(jax.vmap(jax.value_and_grad(loss, (0, 1), has_aux=True)))

    def call(params, inputs, *others):
        copies = len(jax.tree.leaves(inputs)[0])
        params = jax.tree.map(lambda leaf: np.stack([leaf] * copies), params)
        (_, value), gradients = jax.device_get(run(params, inputs, *others))
        return value, gradients

    return call


def cuttings(count: int, frames: int, blocks: int) -> Array:
    """Cuts frames into blocks at random.

    Returns:
      [count, blocks, frames] int, the frame at each place of each block, -1 for
      padding; some blocks are padding alone.
    """
    draw = np.random.default_rng(2)
    cuts = np.full((count, blocks, frames), -1)
    for cut in cuts:
        ends = [0, *np.sort(draw.integers(0, frames + 1, blocks - 1)), frames]
        for block, first, end in zip(cut, ends[:-1], ends[1:], strict=True):
            at = draw.integers(frames - (end - first) + 1)
            block[at : at + end - first] = np.arange(first, end)
    return cuts
