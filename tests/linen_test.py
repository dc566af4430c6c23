"""Modules of flax.linen as aggregators."""

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
import toys
from closeness import assert_same
from flax import linen

from vladser import model
from vladser.aggregators.linen import from_linen
from vladser.condition import make, specification
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import InputError

pytestmark = pytest.mark.numeric


class Attention(linen.Module):
    """A weighted mean, whose weights a hidden layer gives."""

    @linen.compact
    def __call__(self, frames, mask):
        hidden = jnp.tanh(linen.Dense(3)(frames))
        scores = linen.Dense(1)(hidden)[:, 0]
        return jax.nn.softmax(scores, where=mask) @ frames


class Normalized(linen.Module):
    @linen.compact
    def __call__(self, frames, mask):
        return linen.BatchNorm(use_running_average=False)(frames).mean(axis=0)


def attention():
    return from_linen(Attention())


def normalized():
    return from_linen(Normalized())


def total():
    return from_linen(_Total())


class _Total(linen.Module):
    def __call__(self, frames, mask):
        return frames.sum(axis=0)


def _frames(padding=0):
    frames = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    padded = np.pad(frames, ((0, padding), (0, 0)), constant_values=np.nan)
    return padded, np.arange(9 + padding) < 9


@pytest.fixture(scope="module")
def params():
    return jax.jit(attention().init, static_argnums=1)(jax.random.key(0), 4)


@pytest.mark.slow
def test_a_module_is_applied_to_what_the_mask_keeps(params):
    aggregator = attention()
    w, b, v, k = (
        np.asarray(params[layer][name], np.float64)
        for layer in ("Dense_0", "Dense_1")
        for name in ("kernel", "bias")
    )
    frames, mask = _frames(padding=5)
    scores = [(np.tanh(x @ w + b) @ v + k).item() for x in frames[:9]]
    weights = oracles.softmax(scores)
    expected = sum(a * x for a, x in zip(weights, frames[:9], strict=True))
    assert_same(jax.jit(aggregator.apply)(params, frames, mask), expected, 9 * 4)


@pytest.mark.slow
def test_padding_and_empty_utterances_have_finite_gradients(params):
    aggregator = attention()

    def loss(params, frames, mask):
        return jnp.sum(aggregator.apply(params, frames, mask) ** 2)

    frames, some = _frames(padding=5)
    both = jax.jit(jax.value_and_grad(loss, (0, 1)))
    for mask in (some, np.zeros_like(some)):
        value, slopes = both(params, frames, mask)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
        assert (slopes[1][9:] == 0).all()
    assert value == 0


def test_it_cannot_stream_and_says_so():
    assert attention().stepwise is None


def test_a_module_needs_no_parameters():
    aggregator = total()
    params = aggregator.init(jax.random.key(0), 4)
    frames, mask = _frames()
    found = aggregator.apply(params, frames, mask)
    assert_same(found, frames.sum(axis=0), 9)


def test_what_keeps_more_than_parameters_is_refused():
    with pytest.raises(InputError, match="Normalized keeps batch_stats"):
        model.sizes(specification(make(aggregator=f"{__name__}.normalized"), 4, 2))


@pytest.mark.long
def test_a_module_is_trained():
    def frames(label, length, draw):
        return draw.normal(size=(length, 5)) + 2 * np.eye(5)[label]

    corpus = toys.corpus(frames=frames)
    condition = toys.but(aggregator=f"{__name__}.attention", epochs=10)
    design = toys.design(corpus, [condition], [0])
    _, outcome = toys.train(design, TrialBatch([0], [0], [0, 1]))
    right = [
        (found[0, 0].argmax(axis=-1) == corpus.label[fold.test]).mean()
        for found, fold in zip(outcome.probabilities, design.folds[:2], strict=True)
    ]
    assert np.mean(right) > 0.8  # chance is a quarter
    weights = outcome.params.aggregator["Dense_0"]["kernel"][0]
    assert (abs(weights - weights[0]).max(axis=(1, 2))[1:] > 0).all()  # of each fold
