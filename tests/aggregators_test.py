"""The poolings against naive numpy; that they keep their contract: testing_test."""

import re
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from closeness import assert_same
from flax import linen

from vladser import model
from vladser.aggregators.linen import from_linen
from vladser.checks import rules
from vladser.condition import make, specification
from vladser.contracts import Aggregator
from vladser.errors import InputError
from vladser.registry import aggregators

pytestmark = [pytest.mark.numeric, pytest.mark.usefixtures("float64")]

DIM, LONGEST = 8, 24
LENGTHS = (0, 1, 2, 17, LONGEST)
MASK = np.arange(LONGEST) < np.array([*LENGTHS, LONGEST])[:, None]
MASK[-1] = np.random.default_rng(0).permutation(LONGEST) < 17
# Like the outputs of an LSTM whose input is loud.
FRAMES = np.tanh(2 * np.random.default_rng(1).normal(size=(*MASK.shape, DIM)))
TERMS = LONGEST * DIM  # the frames' products with the parameters, over time
FAST = "mean", "netvlad"  # to compile

by_name = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST else pytest.mark.slow)
        for name in aggregators.names()
    ],
)


@cache
def _built(name):
    aggregator = aggregators.build(aggregators.parse(name))
    return aggregator, rules.parameters(aggregator, DIM)


@cache
def _run(name):
    return rules.differentiate(_built(name)[0].apply)


@cache
def _results(name):
    with jax.enable_x64(True):
        padded = np.where(MASK[..., None], FRAMES, np.nan)
        return _run(name)(_built(name)[1], padded, MASK)


@by_name
def test_equals_naive_numpy(name):
    params, oracle = _built(name)[1], getattr(oracles, name)
    for vector, frames, mask in zip(_results(name)[0], FRAMES, MASK, strict=True):
        if name == "attentive_maximum" and (np.diff(mask.astype(int)) > 0).any():
            continue  # its windows are of frames in a row
        zeros = np.zeros_like(vector)
        expected = oracle(params, frames[mask]) if mask.any() else zeros
        assert_same(vector, expected, TERMS)


windows = pytest.mark.parametrize(
    ("pool", "stride"), [(1, 1), (2, 3), (7, 2), (6, 3), (30, 4)]
)


@pytest.mark.slow
@windows
def test_windows_of_any_size_and_stride_have_their_maxima(pool, stride):
    part = f"attentive_maximum(pool={pool},stride={stride})"
    apply = jax.jit(aggregators.build(aggregators.parse(part)).apply)
    params = np.ones(DIM)
    for count in LENGTHS[1:]:
        expected = oracles.attentive_maximum(params, FRAMES[-2][:count], pool, stride)
        padded = np.where(MASK[LENGTHS.index(count), :, None], FRAMES[-2], np.nan)
        vector = apply(params, padded, MASK[LENGTHS.index(count)])
        assert_same(vector, expected, TERMS)


@pytest.mark.slow
@windows
def test_gradients_of_windows_are_differences_even_where_frames_are_equal(pool, stride):
    """Frames that are equal, and change alike, have one derivative."""
    part = f"attentive_maximum(pool={pool},stride={stride})"
    apply = aggregators.build(aggregators.parse(part)).apply
    params, draw, step = np.linspace(-1, 1, DIM), np.random.default_rng(0), 1e-5
    whole = draw.integers(-1, 2, (23, DIM)).astype(float)
    for frames, way in [
        (FRAMES[-2][:23], draw.normal(size=(23, DIM))),
        (whole, np.array([0.3, -0.7, 1.1])[whole.astype(int) + 1]),
    ]:
        with jax.enable_x64(True):
            bar = jax.grad(
                lambda x: jnp.sin(apply(params, x, np.ones(23, bool))).sum()
            )(frames)

        def loss(step, frames=frames, way=way):
            moved = frames + step * way
            vector = oracles.attentive_maximum(params, moved, pool, stride)
            return np.sin(vector).sum()

        # As above.
        expected = (loss(step) - loss(-step)) / (2 * step)
        np.testing.assert_allclose((bar * way).sum(), expected, rtol=1e-6, atol=1e-7)


@by_name
def test_gradients_are_differences_of_naive_numpy(name):
    (leaves, tree), place = jax.tree.flatten(_built(name)[1]), LENGTHS.index(17)
    frames, draw = FRAMES[place, :17], np.random.default_rng(0)
    params_bar, frames_bar = rules.row(_results(name)[1], place)
    slopes = [*jax.tree.leaves(params_bar), frames_bar[:17]]

    def loss(step, way):
        point = zip([*leaves, frames], way, strict=True)
        *params, moved = (x + step * a for x, a in point)
        return np.sin(getattr(oracles, name)(tree.unflatten(params), moved)).sum()

    for _ in range(3):
        way = [draw.normal(size=np.shape(x)) for x in [*leaves, frames]]
        slope = sum((a * b).sum() for a, b in zip(way, slopes, strict=True))
        step = 1e-5
        # A central difference errs by the square of the step, times third derivatives.
        expected = (loss(step, way) - loss(-step, way)) / (2 * step)
        np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-7)


deviations = pytest.mark.parametrize("name", ["statistics", "attentive_statistics"])


@pytest.mark.slow
@deviations
def test_a_deviation_that_is_small_beside_the_mean_keeps_its_digits(name):
    aggregator, params = _built(name)
    if name != "statistics":
        params = params._replace(v=0 * params.v)  # every frame has the same weight
    params = jax.tree.map(np.float32, params)
    frames = np.random.default_rng(0).normal(100, 0.01, (40, DIM)).astype("float32")
    with jax.enable_x64(False):
        vector = jax.jit(aggregator.apply)(params, frames, np.ones(40, bool))
    # Of float32's 7 digits a frame has 4 for the mean: 3 are left.
    np.testing.assert_allclose(vector[DIM:], frames.std(axis=0, dtype=float), rtol=1e-3)


@pytest.mark.slow
@deviations
def test_the_deviation_of_a_constant_is_zero_and_so_is_its_gradient(name):
    aggregator, params = _built(name)
    frames = np.full((3, 17, DIM), 0.3, np.float32)
    mask = np.arange(17) < np.array([[1], [2], [17]])

    def deviation(params, frames, mask):
        return aggregator.apply(params, frames, mask)[DIM:]

    with jax.enable_x64(False):
        params = jax.tree.map(np.float32, params)
        zeros, (_, slopes) = rules.differentiate(deviation)(params, frames, mask)
    assert (zeros == 0).all() and (slopes == 0).all()


SCORING = "weighted", "attentive_statistics", "multihead", "netvlad", "nextvlad"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORING)
def test_scores_of_any_size_have_finite_vector_and_gradients(name):
    params = jax.tree.map(lambda p: 1e6 * p, _built(name)[1])
    rules.expect_finite(_run(name)(params, FRAMES, MASK))


class Normalized(linen.Module):
    @linen.compact
    def __call__(self, frames, mask):
        return linen.BatchNorm(use_running_average=False)(frames).mean(axis=0)


def normalized():
    return from_linen(Normalized())


def no_vector():
    return Aggregator(lambda key, dim: (), lambda params, frames, mask: frames)


@pytest.mark.parametrize(
    ("text", "dim", "says"),
    [
        ("multihead(heads=5)", 64, "heads: expected a divisor of 64, got 5"),
        ("nextvlad(groups=3)", 4, "groups: expected a divisor of 8, got 3"),
        (f"{__name__}.no_vector", 4, "ShapeDtypeStruct"),
        (f"{__name__}.normalized", 4, "Normalized: expected parameters alone, got bat"),
    ],
)
def test_what_does_not_take_frames_of_a_size_is_refused(text, dim, says):
    condition = make(aggregator=text, encoder="none")
    with pytest.raises(InputError, match=re.escape(says)):
        model.sizes(specification(condition, dim, 2))
