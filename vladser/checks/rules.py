"""What checks of a contract share: rules with a name, comparisons, derivatives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from vladser.types import Array, PyTree

_TOLERANCE = 1e-9  # a mistake is larger, a rounding in float64 smaller
COMPILES = "can be compiled, differentiated and vmapped"
_WAYS, _BLOCKS = 6, 5  # of `cuttings`


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
    """Expects that two trees are equal up to rounding.

    Compares the Euclidean norm of their difference, all arrays together, with that of
    `expected`: where a sum cancels, a single number may have lost its digits.
    """
    chex.assert_trees_all_equal_shapes(made, expected)
    made, expected = (
        np.concatenate([[], *map(np.ravel, jax.tree.leaves(tree))])
        for tree in (made, expected)
    )
    error, size = np.linalg.norm(made - expected), np.linalg.norm(expected)
    got = f"got a difference of {error:.1e} of {size:.1e}"
    expect(error <= _TOLERANCE * size, f"expected equal numbers, {got}")


def expect_state(
    start: Callable, update: Callable, params: PyTree, *block: Any
) -> None:
    """Expects that `update(params, state, *block)` returns a state of the same types as
    `start(params)`: otherwise loops cannot carry it."""
    with rule("update keeps the structure, shapes and dtypes of the state"):
        before = jax.eval_shape(start, params)
        after = jax.eval_shape(update, params, before, *block)
        chex.assert_trees_all_equal_shapes_and_dtypes(after, before)


def expect_floats(init: Callable, *arguments: Any) -> None:
    """Expects that a function makes a pytree of floats."""
    with rule("parameters and states are pytrees of floats"):
        for leaf in jax.tree.leaves(jax.eval_shape(init, *arguments)):
            expect(jnp.issubdtype(leaf.dtype, jnp.floating), f"got {leaf.dtype}")


def parameters(part: Any, *sizes: int) -> PyTree:
    """Returns what `part.init(key, *sizes)` does, in float64, moved away from zeros,
    which hide mistakes; expects that it does so twice."""

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
    """Compiles a function with its gradients, vmapped over all arguments but the first.

    Args:
      function: (params, inputs, *others) -> array; inputs is a pytree of floats.
      keep: (array, params, inputs, *others) -> what of the array is differentiated.

    Returns:
      (params, inputs [N, ...], *others [N, ...]) -> array [N, ...], and the gradients
      by params and inputs, [N, ...], of a sum over what is kept.
    """

    def loss(*arguments):
        value = function(*arguments)
        kept = keep(value, *arguments) if keep else value
        return jnp.sum(jnp.sin(kept)), value

    @jax.jit
    def run(params, *batched):
        derivatives = jax.value_and_grad(loss, (0, 1), has_aux=True)
        (_, value), gradients = jax.vmap(partial(derivatives, params))(*batched)
        return value, gradients

    return lambda *arguments: jax.device_get(run(*arguments))


def cuttings(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Cuts the frames of a mask [N, T, ...] into blocks at random, in several ways.

    Yields:
      [N, blocks, T] int, the frame at each place of each block, -1 for padding; some
      blocks are padding alone.
    """
    (rows, frames), draw = mask.shape[:2], np.random.default_rng(2)
    for _ in range(_WAYS):
        cuts = np.full((rows, _BLOCKS, frames), -1)
        for cut in cuts:
            ends = [0, *np.sort(draw.integers(0, frames + 1, _BLOCKS - 1)), frames]
            for block, first, end in zip(cut, ends[:-1], ends[1:], strict=True):
                at = draw.integers(frames - (end - first) + 1)
                block[at : at + end - first] = np.arange(first, end)
        yield cuts


def pad(frames: Array, mask: Array, fill: float) -> tuple[Array, Array]:
    """Appends a frame of padding, the one at place -1 of `cuttings`."""
    frames = jnp.concatenate([frames, jnp.full_like(frames[:1], fill)])
    return frames, jnp.concatenate([mask, jnp.zeros_like(mask[:1])])
