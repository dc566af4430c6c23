import jax
import jax.numpy as jnp
import numpy as np
import pytest
from closeness import assert_same

from vladser import masking

pytestmark = pytest.mark.numeric


def test_clean_removes_what_the_mask_leaves_out():
    frames = jnp.array([[1.0, 2.0], [jnp.nan, jnp.inf], [3.0, 4.0]])
    cleaned = masking.clean(frames, jnp.array([True, False, True]))
    np.testing.assert_array_equal(cleaned, [[1, 2], [0, 0], [3, 4]])


def test_l2_normalize_is_exact_and_safe_at_zero():
    # What is shorter than 1e-12 counts as zero.
    vector = np.float32([[3, 4], [0, 0], [-3e-11, 4e-11], [0, 0.9e-12], [0, 1.1e-12]])
    expected = np.array([[0.6, 0.8], [0, 0], [-0.6, 0.8], [0, 0], [0, 1]])
    assert_same(masking.l2_normalize(vector), expected, 2)
    slopes = jax.jit(jax.vmap(jax.jacobian(masking.l2_normalize)))
    # Down to lengths whose squares leave the range of float32.
    lengths = np.float32([0, *10.0 ** np.arange(-25, 1)])
    jacobians = np.asarray(slopes(np.stack([lengths, 0 * lengths], axis=1)))
    assert np.isfinite(jacobians).all()
    np.testing.assert_array_equal(jacobians[0], np.zeros((2, 2)))
