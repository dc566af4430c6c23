import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from closeness import assert_same

from vladser.encoders import lstm

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

T, B, D, H = 21, 3, 5, 4
TERMS = T * (D + H)
LENGTHS = np.array([T, 12, 1])
MASK = np.arange(T)[:, None] < LENGTHS
HOLES = np.random.default_rng(1).random((T, B)) < 0.5


def _random(seed=0):
    draw = np.random.default_rng(seed)
    shapes = ((D, 4 * H), (H, 4 * H), (4 * H,))
    params = lstm.Params(*(draw.normal(size=shape) * 0.5 for shape in shapes))
    carry = lstm.Carry(*draw.normal(size=(2, B, H)))
    return params, draw.normal(size=(T, B, D)), carry


def _zeros():
    return lstm.Carry(*np.zeros((2, B, H)))


def _loss(unroll, params, frames, mask, carry):
    """Of every number that comes out, each with another weight."""
    hidden, last = unroll(params, frames, mask, carry)
    weights = jnp.sin(jnp.arange(T * B * H)).reshape(T, B, H)
    of_frames = jnp.sum(weights * jnp.where(mask[..., None], hidden, 0))
    of_last = last.hidden * weights[0] + last.cell**2 * weights[1]
    return of_frames + jnp.sum(of_last), (hidden, last)


def _with_gradient(unroll):
    @jax.jit
    def both(params, frames, mask, carry):
        def loss(params, frames, carry):
            return _loss(unroll, params, frames, mask, carry)

        return jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(params, frames, carry)

    return both


_ours = _with_gradient(lstm.unroll)


def _unroll(params, frames, mask, carry):
    return _ours(params, frames, mask, carry)[0][1]


def _linen(params, frames, mask, carry):
    """flax.linen's cell, which names one kernel a gate, step by step."""
    tree = {}
    for n, gate in enumerate("ifgo"):
        part = slice(n * H, (n + 1) * H)
        tree[f"i{gate}"] = {"kernel": params.input_kernel[:, part]}
        tree[f"h{gate}"] = {
            "kernel": params.recurrent_kernel[:, part],
            "bias": params.bias[part],
        }
    cell = nn.OptimizedLSTMCell(H, dtype=jnp.float64, param_dtype=jnp.float64)

    def step(carry, inputs):
        frame, keep = inputs
        new, _ = cell.apply({"params": tree}, carry, frame)
        carry = jax.tree.map(lambda a, b: jnp.where(keep[:, None], a, b), new, carry)
        return carry, carry[1]

    (cell_state, last), hidden = jax.lax.scan(
        step, (carry.cell, carry.hidden), (frames, mask)
    )
    return hidden, lstm.Carry(last, cell_state)


def test_equals_loops_in_numpy():
    params, frames, _ = _random()
    hidden, last = _unroll(params, frames, MASK, _zeros())
    found = np.where(MASK[..., None], hidden, 0)
    expected = oracles.lstm(params, np.swapaxes(frames, 0, 1), LENGTHS)
    assert_same(found, expected.swapaxes(0, 1), TERMS)
    ends = expected[np.arange(B), LENGTHS - 1]
    assert_same(last.hidden, ends, TERMS)


@pytest.mark.slow
def test_values_and_gradients_are_linens_by_autodiff():
    params, frames, carry = _random()
    theirs = _with_gradient(_linen)
    for mask in MASK, HOLES:
        arguments = params, frames, mask, carry
        assert_same(_ours(*arguments), theirs(*arguments), TERMS)


def test_a_masked_frame_leaves_the_state_as_it_was():
    params, frames, carry = _random()
    hidden, last = _unroll(params, frames, HOLES, carry)
    for row in range(B):
        kept = frames[HOLES[:, row], row]
        alone = np.zeros_like(frames)
        alone[: len(kept), row] = kept
        mask = np.zeros_like(HOLES)
        mask[: len(kept), row] = True
        _, expected = _unroll(params, alone, mask, carry)
        assert_same(last.hidden[row], expected.hidden[row], TERMS)
        assert_same(last.cell[row], expected.cell[row], TERMS)
    before = np.concatenate([carry.hidden[None], hidden[:-1]])
    assert (hidden[~HOLES] == before[~HOLES]).all()


def test_two_parts_equal_the_whole():
    params, frames, carry = _random()
    whole = _unroll(params, frames, MASK, carry)
    first, second = np.array(MASK), np.array(MASK)
    first[8:], second[:8] = False, False
    before, between = _unroll(params, frames, first, carry)
    after, end = _unroll(params, frames, second, between)
    found = np.concatenate([before[:8], after[8:]])
    assert_same((found, end), whole, TERMS)


@pytest.mark.slow
def test_initial_weights():
    with jax.enable_x64(False):
        params = jax.device_get(
            jax.jit(lstm.init, static_argnums=(1, 2))(jax.random.key(0), 147, 64)
        )
    limit = np.sqrt(6 / (147 + 256))  # Glorot and Bengio 2010
    assert 0.99 * limit < np.abs(params.input_kernel).max() <= limit
    rows = params.recurrent_kernel @ params.recurrent_kernel.T
    # A factorization of 64 columns, each made orthogonal to 63 others.
    assert_same(rows, np.eye(64, dtype=np.float32), 64 * 256)
    gates = params.bias.reshape(4, 64)
    assert (gates == np.array([0, 1, 0, 0])[:, None]).all()
