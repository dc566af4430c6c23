import flax.linen as nn
import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import oracles

from vladser import lstm

T, B, D, H = 37, 3, 5, 4
LENGTHS = np.array([37, 20, 1])
MASK = np.arange(T)[:, None] < LENGTHS


def _random(seed=0):
    draw = np.random.default_rng(seed)
    shapes = ((D, 4 * H), (H, 4 * H), (4 * H,))
    params = lstm.Params(*(jnp.float32(draw.normal(size=s) * 0.5) for s in shapes))
    return params, jnp.float32(draw.normal(size=(T, B, D)))


def _linen(params):
    """flax.linen names one kernel a gate."""
    tree = {}
    for n, gate in enumerate("ifgo"):
        part = slice(n * H, (n + 1) * H)
        tree[f"i{gate}"] = {"kernel": params.input_kernel[:, part]}
        tree[f"h{gate}"] = {
            "kernel": params.recurrent_kernel[:, part],
            "bias": params.bias[part],
        }
    return {"params": {"cell": tree}}


def _linen_hidden(params, frames):
    dtype = params.bias.dtype
    cell = nn.OptimizedLSTMCell(H, dtype=dtype, param_dtype=dtype)
    rnn = nn.RNN(cell, time_major=True)
    return rnn.apply(_linen(params), frames, seq_lengths=LENGTHS)


def _hidden(params, frames, mask=MASK):
    return lstm.unroll(params, frames, mask, lstm.start(params, B))[0]


def test_equals_numpy_and_linen():
    params, frames = _random()
    kept = MASK[..., None]
    hidden = np.where(kept, _hidden(params, frames), 0)
    # float32 and a tanh by rational approximation: a few units in the last place.
    expected = oracles.lstm(params, np.swapaxes(frames, 0, 1), LENGTHS)
    np.testing.assert_allclose(hidden, expected.swapaxes(0, 1), atol=1e-6)
    np.testing.assert_allclose(
        hidden, np.where(kept, _linen_hidden(params, frames), 0), atol=1e-6
    )


def test_gradient_equals_autodiff_in_float64():
    with jax.enable_x64(True):
        params, frames = jax.tree.map(jnp.float64, _random())
        weights = jnp.sin(jnp.arange(T * B * H)).reshape(T, B, H) * MASK[..., None]

        def ours(params, frames):
            return jnp.sum(weights * _hidden(params, frames))

        def plain(params, frames):
            return jnp.sum(weights * _linen_hidden(params, frames))

        found = jax.grad(ours, (0, 1))(params, frames)
        expected = jax.grad(plain, (0, 1))(params, frames)
        # Both in float64, in another order of summation.
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), found, expected
        )


def test_gradient_of_the_carry_equals_finite_differences():
    with jax.enable_x64(True):
        params, frames = jax.tree.map(jnp.float64, _random())

        def loss(params, frames, hidden, cell):
            carry = lstm.Carry(hidden, cell)
            hidden, last = lstm.unroll(params, frames, MASK, carry)
            return (hidden**2).sum() + (last.hidden * last.cell**2).sum()

        carry = [x + 0.1 for x in lstm.start(params, B)]
        jax.test_util.check_grads(loss, (params, frames, *carry), 1, ["rev"])


def test_a_masked_frame_leaves_the_state_as_it_was():
    params, frames = _random()
    mask = np.random.default_rng(1).random((T, B)) < 0.5
    last = lstm.unroll(params, frames, mask, lstm.start(params, B))[1]
    for row in range(B):
        kept = frames[mask[:, row], row][:, None]
        alone = lstm.unroll(
            params, kept, np.ones(kept.shape[:2], bool), lstm.start(params, 1)
        )[1]
        # Other rows beside it: only the order of float32 sums differs.
        np.testing.assert_allclose(last.hidden[row], alone.hidden[0], atol=1e-6)
        np.testing.assert_allclose(last.cell[row], alone.cell[0], atol=1e-6)


def test_two_halves_equal_the_whole():
    params, frames = _random()
    whole, end = lstm.unroll(params, frames, MASK, lstm.start(params, B))
    first, carry = lstm.unroll(params, frames[:11], MASK[:11], lstm.start(params, B))
    second, carry = lstm.unroll(params, frames[11:], MASK[11:], carry)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, atol=1e-6)
    np.testing.assert_allclose(carry.cell, end.cell, atol=1e-6)


def test_initial_weights():
    params = lstm.init(jax.random.key(0), 147, 64)
    limit = np.sqrt(6 / (147 + 256))  # Glorot and Bengio 2010
    assert 0.99 * limit < np.abs(params.input_kernel).max() <= limit
    rows = params.recurrent_kernel @ params.recurrent_kernel.T
    np.testing.assert_allclose(rows, np.eye(64), atol=1e-5)  # orthonormal, float32
    gates = params.bias.reshape(4, 64)
    assert (gates == np.array([0, 1, 0, 0])[:, None]).all()
