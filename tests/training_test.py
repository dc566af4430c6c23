from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
import toys

from vladser import aggregators, dataset, lstm, model, training
from vladser.types import Aggregator, Pooling, Spec, Trial

SPEC = Spec(Pooling("netvlad", (("clusters", 2),)), features=5, classes=4, cells=8)


def _trial(**changes):
    values = {
        "seed": 0,
        "alpha": 0.2,
        "prior": np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        "mean": np.zeros(5, np.float32),
        "scale": np.ones(5, np.float32),
        "noise": 0.0,
        "dropout": 0.0,
        "learning_rate": 1.0,
        "rho": 0.95,
        "class_weights": np.ones(4, np.float32),
        "focal": 0.0,
        "logit_adjustment": np.zeros(4, np.float32),
    }
    return Trial(**(values | changes))


def _spec(name):
    return replace(SPEC, pooling=Pooling(name))


CAPACITY = 3  # chunks: toys have at most 40 frames


_value_and_gradient = jax.jit(training.value_and_gradient, static_argnums=1)
_step = jax.jit(training.step, static_argnums=1)
_predict = jax.jit(training.predict, static_argnums=(1, 5))


class _Minibatch:
    """Some rows of a corpus, one slice, and all that a step of them needs."""

    def __init__(self, rows=(0, 5, 9), spec=SPEC, corpus=None, capacity=CAPACITY):
        self.corpus = corpus or toys.corpus()
        self.rows, self.spec, self.capacity = np.array(rows), spec, capacity
        self.buffer = dataset.to_device(self.corpus)
        self.params = model.init(jax.random.key(0), spec)
        empty = training.no_draws(spec, len(rows), capacity)
        self.draws = training.draw(jax.random.key(1), empty, capacity)

    def space(self):
        return training.space(self.params, self.spec, len(self.rows), self.capacity)

    def value_and_gradient(self, trial, params=None, space=None):
        return _value_and_gradient(
            params or self.params,
            self.spec,
            trial,
            self.buffer,
            self.rows,
            self.draws,
            0,
            self.space() if space is None else space,
        )[:2]

    def step(self, state, trial):
        rows, space = self.rows[None], self.space()
        return _step(state, self.spec, trial, self.buffer, rows, self.draws, space)[:2]

    def predict(self, trial, params=None):
        return _predict(
            params or self.params,
            self.spec,
            trial,
            self.buffer,
            self.rows[None],
            self.capacity,
        )[0]

    def plain_loss(self, params, trial):
        """The whole minibatch at once, as the paper says it: noise, LSTM, dropout,
        pooling, classifier."""
        frames, mask = dataset.gather(self.buffer, self.rows, 0, 16 * self.capacity)
        noise, uniform = (x.reshape(-1, *x.shape[2:]) for x in self.draws)
        frames = (frames - trial.mean) * trial.scale + trial.noise * noise
        frames = jnp.where(mask[..., None], frames, 0)
        carry = lstm.start(params.lstm, len(self.rows))
        hidden, _ = lstm.unroll(params.lstm, frames, mask, carry)
        hidden = hidden * (uniform >= trial.dropout) / (1 - trial.dropout)
        pool = jax.vmap(aggregators.build(self.spec.pooling).apply, (None, 1, 1))
        vector = pool(params.aggregator, hidden, mask)
        logits = vector @ params.kernel + params.bias
        total = 0
        for row, n in enumerate(self.rows):
            if n >= 0:
                label = np.eye(4)[self.corpus.label[n]]
                target = (1 - trial.alpha) * label + trial.alpha * trial.prior
                total -= (target * jax.nn.log_softmax(logits[row])).sum()
        return total


def _mean_pooling():
    """A newcomer's aggregator: init and apply alone."""

    def apply(params, frames, mask):
        kept = jnp.where(mask[:, None], frames, 0)
        return kept.sum(axis=0) / jnp.maximum(mask.sum(), 1)

    return Aggregator(lambda key, dim: (), apply)


OWN = f"{__name__}._mean_pooling"


def test_adadelta_follows_zeilers_recurrences():
    gradients = np.random.default_rng(0).normal(size=(20, 6))
    rho = 0.9
    tree = jnp.zeros(6)
    optimizer = training.optimizer(_trial(rho=rho))
    state, path = optimizer.init(tree), []
    for gradient in gradients:
        updates, state = optimizer.update(jnp.float32(gradient), state, tree)
        tree = tree + updates
        path.append(tree)
    expected = oracles.adadelta(np.zeros(6), gradients, rho, 1e-6)
    # float32 against float64 over 20 steps of size 1e-3.
    np.testing.assert_allclose(path, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", [*aggregators.names(), OWN])
def test_loss_and_gradient_equal_autodiff_of_the_whole_minibatch(name):
    batch = _Minibatch((9, 0, -1, 5), _spec(name), capacity=5)
    assert len(set(-(-batch.corpus.length[batch.rows[[0, 1, 3]]] // 16))) > 1
    trial = _trial(noise=0.3, dropout=0.4, mean=np.full(5, 0.1), scale=np.full(5, 2.0))
    found = batch.value_and_gradient(trial)
    expected = jax.jit(jax.value_and_grad(batch.plain_loss))(batch.params, trial)
    # float32 sums in another order, through up to 40 steps.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
        found,
        expected,
    )


def test_what_the_memory_held_before_reaches_nothing():
    batch = _Minibatch(capacity=5)
    dirty = jax.tree.map(lambda x: jnp.full_like(x, jnp.nan), batch.space())
    found, expected = (
        batch.value_and_gradient(_trial(), space=space) for space in (dirty, None)
    )
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_slices_of_a_minibatch_are_the_minibatch():
    batch, trial = _Minibatch((9, 0, 5, -1)), _trial(noise=0.3, dropout=0.4)
    whole = batch.step(training.init(batch.params), trial)
    small = _Minibatch((0, 1)).space()
    cut = _step(
        training.init(batch.params),
        SPEC,
        trial,
        batch.buffer,
        batch.rows.reshape(2, 2),
        batch.draws,
        small,
    )[:2]
    # Sums in another order; Adadelta's first step divides by the gradient's size.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-6), whole, cut)


def test_empty_rows_change_neither_loss_nor_step():
    results = []
    for rows in (0, 5, 9), (0, 5, 9, -1, -1):
        batch = _Minibatch(rows)
        results.append(batch.step(training.init(batch.params), _trial()))
    (state, loss), (state2, loss2) = results
    np.testing.assert_allclose(loss, loss2, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state, state2
    )


def test_a_step_without_a_live_row_leaves_the_state_untouched():
    batch = _Minibatch((-1, -1))
    state, loss = batch.step(training.init(batch.params), _trial())
    jax.tree.map(np.testing.assert_array_equal, state, training.init(batch.params))
    assert loss == 0


def test_the_step_descends():
    batch = _Minibatch()
    state, first = training.init(batch.params), None
    for _ in range(30):
        state, loss = batch.step(state, _trial(alpha=0.0))
        first = loss if first is None else first
    assert loss < first


@pytest.mark.parametrize("name", [*aggregators.names(), OWN])
def test_nan_past_the_end_reaches_neither_loss_nor_gradients(name):
    spec = _spec(name)
    plain = _Minibatch((-1, 9), spec)
    trial = _trial(noise=0.01, dropout=0.5)
    frames = plain.corpus.frames.copy()
    start = plain.corpus.offset[9]
    alive = slice(start, start + plain.corpus.length[9])
    frames[:] = np.nan
    frames[alive] = plain.corpus.frames[alive]
    poisoned = _Minibatch((-1, 9), spec, replace(plain.corpus, frames=frames))
    jax.tree.map(
        np.testing.assert_array_equal,
        plain.value_and_gradient(trial),
        poisoned.value_and_gradient(trial),
    )


@pytest.mark.parametrize("name", [*aggregators.names(), OWN])
def test_predictions_depend_on_the_utterance_alone(name):
    spec = _spec(name)
    alone = _Minibatch((7,), spec).predict(_trial())[0]
    np.testing.assert_allclose(alone.sum(), 1, rtol=1e-6)
    # Another order of float32 sums.
    for rows, capacity, place in ((3, -1, 7, 2), 3, 2), ((7, 11), 9, 0):
        found = _Minibatch(rows, spec, capacity=capacity).predict(_trial())[place]
        np.testing.assert_allclose(found, alone, atol=1e-5)


@pytest.mark.parametrize("name", [*aggregators.names(), OWN])
def test_predictions_are_those_of_the_whole_utterance(name):
    batch = _Minibatch(spec=_spec(name))
    trial = _trial(mean=np.full(5, 0.1), scale=np.full(5, 2.0))
    frames, mask = dataset.gather(batch.buffer, batch.rows, 0, 40)
    frames = training.standardize(frames, trial)
    _, logits = model.forward(batch.params, batch.spec, frames, mask)
    found = batch.predict(trial)
    np.testing.assert_allclose(found, jax.nn.softmax(logits), atol=1e-6)


def test_draws_are_normal_and_uniform_and_do_not_depend_on_their_number():
    empty = training.no_draws(SPEC, 8, 20)
    key = jax.random.key(3)
    draws = training.draw(key, empty, 20)
    assert abs(draws.noise.mean()) < 0.02
    assert abs(draws.noise.std() - 1) < 0.02
    assert 0 <= draws.uniform.min() < 0.01 < 0.99 < draws.uniform.max() < 1
    fewer = training.draw(key, empty, 4)
    np.testing.assert_array_equal(fewer.noise[:4], draws.noise[:4])
    assert not fewer.noise[4:].any()


def test_the_learning_rate_scales_the_step():
    batch = _Minibatch()
    moved = [
        jax.tree.map(
            lambda new, old: new - old,
            batch.step(training.init(batch.params), _trial(learning_rate=rate))[0][0],
            batch.params,
        )
        for rate in (1.0, 0.5)
    ]
    # A step of 1e-3 on parameters of size 1: three digits are left of float32's seven.
    jax.tree.map(
        lambda one, half: np.testing.assert_allclose(half, one / 2, atol=2e-7), *moved
    )


def test_a_confident_assignment_has_finite_gradients():
    batch = _Minibatch()
    confident = batch.params.aggregator._replace(b=jnp.array([0.0, 60.0]))
    params = batch.params._replace(aggregator=confident)
    _, slopes = batch.value_and_gradient(_trial(), params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
