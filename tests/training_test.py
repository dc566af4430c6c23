import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
import toys

from vladser import aggregators, dataset, model, training
from vladser.types import Pooling, Spec, Trial

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
    }
    return Trial(**(values | changes))


def _setup(rows=(0, 5, 9), length=48):
    corpus = toys.corpus()
    params = model.init(jax.random.key(0), SPEC)
    rows = np.array(rows)
    batch = dataset.gather(dataset.to_device(corpus), rows, length)
    return params, batch, model.draw(jax.random.key(1), SPEC, length, len(rows))


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


def test_the_loss_is_the_cross_entropy_to_the_softened_labels():
    params, batch, draws = _setup()
    trial = _trial()
    probabilities = training.predict(params, SPEC, trial, batch)
    expected = 0
    for row, label in enumerate(np.asarray(batch.label)):
        target = 0.2 * trial.prior + 0.8 * np.eye(4)[label]
        expected -= sum(target * np.log(np.float64(probabilities[row]))) / 3
    found = training.loss(params, SPEC, trial, batch, draws)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_empty_rows_change_neither_loss_nor_step():
    full, padded = _setup((0, 5, 9)), _setup((0, -1, 5, 9, -1))
    results = []
    for params, batch, _ in (full, padded):
        draws = model.draw(jax.random.key(1), SPEC, 48, len(batch.live))
        state = training.init(params)
        results.append(training.step(state, SPEC, _trial(), batch, draws))
    (state, loss), (state2, loss2) = results
    np.testing.assert_allclose(loss, loss2, rtol=1e-6)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), state, state2
    )


def test_a_step_without_a_live_row_leaves_the_state_untouched():
    params, batch, draws = _setup((-1, -1))
    state, loss = training.step(training.init(params), SPEC, _trial(), batch, draws)
    jax.tree.map(np.testing.assert_array_equal, state, training.init(params))
    assert loss == 0


def test_the_step_descends():
    params, batch, draws = _setup()
    state, first = training.init(params), None
    step = jax.jit(training.step, static_argnums=1)
    for _ in range(30):
        state, loss = step(state, SPEC, _trial(alpha=0.0), batch, draws)
        first = loss if first is None else first
    assert loss < first


@pytest.mark.parametrize("name", aggregators.names())
def test_nan_past_the_end_reaches_neither_loss_nor_gradients(name):
    spec = Spec(Pooling(name), features=5, classes=4, cells=8)
    corpus = toys.corpus()
    params = model.init(jax.random.key(0), spec)
    batch = dataset.gather(dataset.to_device(corpus), np.array([0, -1, 9]), 48)
    draws = model.draw(jax.random.key(1), spec, 48, 3)
    value = jax.value_and_grad(training.loss)
    trial = _trial(noise=0.01, dropout=0.5)
    plain = value(params, spec, trial, batch, draws)
    poisoned = jnp.where(batch.mask[..., None], batch.frames, jnp.nan)
    found = value(params, spec, trial, batch._replace(frames=poisoned), draws)
    jax.tree.map(np.testing.assert_array_equal, plain, found)


@pytest.mark.parametrize("name", aggregators.names())
def test_logits_depend_on_the_utterance_alone(name):
    spec = Spec(Pooling(name), features=5, classes=4, cells=8)
    buffer = dataset.to_device(toys.corpus())
    params = model.init(jax.random.key(0), spec)

    def logits(rows, length):
        batch = dataset.gather(buffer, np.array(rows), length)
        return model.forward(params, spec, batch.frames, batch.mask)[1]

    alone = logits([7], 40)[0]
    # Another order of float32 sums.
    np.testing.assert_allclose(logits([3, -1, 7, 2], 80)[2], alone, atol=1e-5)
    np.testing.assert_allclose(logits([7, 11], 64)[0], alone, atol=1e-5)


def test_noise_is_added_to_the_standardized_input():
    params, batch, draws = _setup()
    frames, mask = batch.frames, batch.mask
    noisy = model.perturbed(params, SPEC, frames, mask, draws, 0.3, 0.0)
    expected = model.forward(params, SPEC, frames + 0.3 * draws.noise, mask)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), noisy, expected
    )
    assert abs(float(draws.noise.std()) - 1) < 0.02


def test_dropout_drops_its_share_and_scales_the_rest():
    params, batch, draws = _setup()
    dropped = model.perturbed(params, SPEC, *batch[:2], draws, 0.0, 0.4)
    kept = np.asarray(draws.uniform) >= 0.4
    assert abs(kept.mean() - 0.6) < 0.03
    hidden = np.asarray(model.encode(params, *batch[:2])) * kept / 0.6
    expected = model.classify(params, SPEC, hidden, batch.mask)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), dropped, expected
    )


def test_standardization_undoes_another_scale():
    params, batch, draws = _setup()
    trial = _trial(noise=0.1)
    scaled = _trial(noise=0.1, mean=np.full(5, 3.0), scale=np.full(5, 0.2))
    expected = training.loss(params, SPEC, trial, batch, draws)
    stretched = batch._replace(frames=batch.frames * 5 + 3)
    found = training.loss(params, SPEC, scaled, stretched, draws)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert training.loss(params, SPEC, trial, stretched, draws) != expected


def test_the_learning_rate_scales_the_step():
    params, batch, draws = _setup()
    start = training.init(params)
    step = jax.jit(training.step, static_argnums=1)
    moved = [
        jax.tree.map(
            lambda new, old: new - old,
            step(start, SPEC, _trial(learning_rate=rate), batch, draws)[0].params,
            params,
        )
        for rate in (1.0, 0.5)
    ]
    # A step of 1e-3 on parameters of size 1: three digits are left of float32's seven.
    jax.tree.map(
        lambda one, half: np.testing.assert_allclose(half, one / 2, atol=2e-7), *moved
    )


def test_a_confident_assignment_has_finite_gradients():
    params, batch, draws = _setup()
    confident = params.aggregator._replace(b=jnp.array([0.0, 60.0]))
    params = params._replace(aggregator=confident)
    slopes = jax.grad(training.loss)(params, SPEC, _trial(), batch, draws)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
