"""One rule for how close two computations of the same function must be."""

import jax
import numpy as np

FACTOR = 10


def assert_equal(found, expected):
    """Two trees of arrays are equal to the bit; NaN equals NaN."""
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def assert_same(found, expected, terms):
    """Two trees of arrays are one function's, computed in two ways.

    The Euclidean norm of their difference, all leaves together, is at most

        FACTOR * sqrt(terms) * eps

    of that of what is expected. Roundings have either sign, so a sum of n terms errs by
    some sqrt(n) eps of the size of the terms (Higham & Mary 2019), not by n eps, and a
    term is itself the outcome of some operations, each good to a few eps. All leaves
    together: where a sum cancels, as it does in the gradient of a softmax, the error is
    as large as the terms were. In float32 a mistake in a small leaf can hide below the
    bound; such trees are compared in float64.

    Args:
      terms: of the longest chain of additions, for example frames * (inputs + cells)
        for an LSTM.
    """
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    assert jax.tree.map(np.shape, found) == jax.tree.map(np.shape, expected)
    leaves = [np.asarray(x) for x in jax.tree.leaves((found, expected))]
    eps = max((np.finfo(x.dtype).eps for x in leaves), default=0)
    found, expected = (
        np.concatenate([[], *map(np.ravel, jax.tree.leaves(x))])
        for x in (found, expected)
    )
    error = np.linalg.norm(found - expected)
    allowed = FACTOR * np.sqrt(terms) * eps * np.linalg.norm(expected)
    assert error <= allowed, f"an error of {error:.2e} where {allowed:.2e} is allowed"
