import jax
import jax.numpy as jnp
import numpy as np

from vladser import masking


def test_clean_removes_what_the_mask_leaves_out():
    frames = jnp.array([[1.0, 2.0], [jnp.nan, jnp.inf], [3.0, 4.0]])
    cleaned = masking.clean(frames, jnp.array([True, False, True]))
    np.testing.assert_array_equal(cleaned, [[1, 2], [0, 0], [3, 4]])


def test_l2_normalize_is_exact_and_safe_at_zero():
    vector = jnp.array([[3.0, 4.0], [0.0, 0.0], [-3e-11, 4e-11]])
    expected = [[0.6, 0.8], [0, 0], [-0.6, 0.8]]
    np.testing.assert_allclose(masking.l2_normalize(vector), expected, rtol=1e-6)
    # Down to lengths whose squares leave the range of float32.
    for length in 10.0 ** np.arange(-25, 1):
        slope = jax.jacobian(masking.l2_normalize)(jnp.array([length, 0.0]))
        assert np.isfinite(slope).all()
    slope = jax.jacobian(masking.l2_normalize)(jnp.zeros(2))
    np.testing.assert_array_equal(slope, np.zeros((2, 2)))
