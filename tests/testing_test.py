"""Every part keeps its contract; of one that does not, the broken rule is named."""

from importlib import import_module

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vladser import registry, testing
from vladser.aggregators.mean import mean
from vladser.encoders.none import none
from vladser.types import Head, Objective, Optimizer, Recurrence

pytestmark = pytest.mark.numeric

OPTIONS = {
    "cross_entropy": {
        "smoothing": "uniform",
        "alpha": 0.4,
        "class_weights": 0.5,
        "focal": 2.0,
        "logit_adjustment": 1.0,
    },
    "adadelta": {"learning_rate": 0.5, "rho": 0.8},
    "adam": {"learning_rate": 0.01, "b1": 0.5, "b2": 0.9},
    "rmsprop": {"learning_rate": 0.01, "decay": 0.5},
    "sgd": {"learning_rate": 0.1, "momentum": 0.9},
}
FAST = "mean", "none", "linear", "cross_entropy", "sgd"  # to compile


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, marks=[] if name in FAST else pytest.mark.slow)
        for kind, room in registry.ROOMS.items()
        for name in room.names()
    ],
)
def test_every_part_keeps_its_contract(kind, name):
    check, room = getattr(testing, f"check_{kind}"), registry.ROOMS[kind]
    factory = getattr(import_module(f"{room.package}.{name}"), name)
    if room.traced:
        assert OPTIONS[name].keys() == dict(room.parse(name).options).keys()
        check(factory, **OPTIONS[name])
    else:
        check(factory())


def _pool(apply):
    return mean()._replace(apply=apply, stepwise=None)


def _steps(**functions):
    return mean()._replace(stepwise=mean().stepwise._replace(**functions))


def _sum(params, frames, mask):
    return jnp.where(mask[:, None], frames, 0).sum(axis=0)


AGGREGATORS = {
    "init makes floats": mean()._replace(init=lambda key, dim: np.zeros(dim, int)),
    "depend on the key": mean()._replace(
        init=lambda key, dim: np.random.default_rng().normal(size=dim)
    ),
    "apply can be compiled": _pool(
        lambda params, frames, mask: _sum(params, frames, mask) if mask.any() else 0
    ),
    "one vector": _pool(
        lambda params, frames, mask: jnp.where(mask[:, None], frames, 0)
    ),
    "in the dtype of the frames": _pool(
        lambda *arguments: _sum(*arguments).astype("float32")
    ),
    "padding reaches neither": _pool(
        lambda params, frames, mask: (frames * mask[:, None]).sum(axis=0)
    ),
    "padding reaches neither the vector nor a gradient": _pool(
        lambda params, frames, mask: _sum(params, frames, mask) / len(mask)
    ),
    "without a frame": _pool(lambda *arguments: _sum(*arguments) / arguments[-1].sum()),
    "update keeps": _steps(
        start=lambda params, dim: (jnp.zeros(dim, "float32"), jnp.zeros(()))
    ),
    "stepwise equals apply": _steps(
        update=lambda params, state, frames, mask: (
            _sum(params, frames, mask),
            state[1] + mask.sum(),
        )
    ),
}


@pytest.mark.parametrize("broken", AGGREGATORS)
def test_the_rule_that_an_aggregator_breaks_is_named(broken):
    with pytest.raises(AssertionError, match=broken):
        testing.check_aggregator(AGGREGATORS[broken])


def _walk(update, start=lambda params, batch: ()):
    residuals = none().recurrence.residuals
    return none()._replace(recurrence=Recurrence(start, residuals, update))


ENCODERS = {
    "one vector a frame": none()._replace(apply=lambda params, frames, mask: frames[0]),
    "outputs, those of padding too": none()._replace(
        apply=lambda params, frames, mask: frames / mask[..., None]
    ),
    "no output depends on padding": none()._replace(
        apply=lambda params, frames, mask: frames - frames.mean(axis=0)
    ),
    "depends on padding or on another utterance": none()._replace(
        apply=lambda params, frames, mask: frames - frames.mean(axis=1, keepdims=True)
    ),
    "the recurrence equals apply": _walk(
        lambda params, carry, frames, mask, saved: (frames - frames.mean(0), carry)
    ),
    "the carry stays": _walk(
        lambda params, carry, frames, mask, saved: (frames, carry + len(frames)),
        lambda params, batch: jnp.zeros(batch),
    ),
}


@pytest.mark.parametrize("broken", ENCODERS)
def test_the_rule_that_an_encoder_breaks_is_named(broken):
    with pytest.raises(AssertionError, match=broken):
        testing.check_encoder(ENCODERS[broken])


@pytest.mark.slow
def test_a_gradient_through_residuals_is_missed():
    """They are computed once and not differentiated."""

    def residuals(params, carry, frames, mask):
        return frames**2

    def update(params, carry, frames, mask, squares):
        return squares, carry

    walk = none().recurrence._replace(residuals=residuals, update=update)
    square = none()._replace(apply=lambda params, frames, mask: frames**2)
    with pytest.raises(AssertionError, match="the recurrence equals apply"):
        testing.check_encoder(square._replace(recurrence=walk))


def test_a_head_that_sees_other_utterances_is_named():
    def apply(params, vectors):
        return vectors[:, :3] - vectors[:, :3].mean(axis=0)

    head = Head(lambda key, size, classes: (), apply)
    with pytest.raises(AssertionError, match="no logits depend on another utterance"):
        testing.check_head(head)


def _objective(prepare, loss):
    return lambda *, size=1.0: Objective(
        lambda labels, classes: prepare(size, labels),
        lambda key, size, classes: (),
        lambda params, data, vectors, logits, labels: loss(size, data, logits),
    )


def _squares(size, data, logits):
    return data * (logits**2).sum(axis=1)


OBJECTIVES = {
    "numpy arrays": _objective(lambda size, labels: size, _squares),
    "finite numbers": _objective(lambda size, labels: np.array(np.nan), _squares),
    "change the shapes": _objective(lambda size, labels: labels * size, _squares),
    "one number an utterance": _objective(
        lambda size, labels: np.array(size), lambda *given: _squares(*given).mean()
    ),
    "sees the options": _objective(
        lambda size, labels: np.array(1.0),
        lambda size, *given: size * _squares(1, *given),
    ),
    "depends on another": _objective(
        lambda size, labels: np.array(size),
        lambda *given: _squares(*given) / len(given[-1]),
    ),
}


@pytest.mark.parametrize("broken", OBJECTIVES)
def test_the_rule_that_an_objective_breaks_is_named(broken):
    with pytest.raises(AssertionError, match=broken):
        testing.check_objective(OBJECTIVES[broken], size=2.0)


def _branches(*, learning_rate=0.1):
    return Optimizer(*optax.sgd(learning_rate if learning_rate > 0 else 1.0))


def _ascends(*, rho=0.9):
    return Optimizer(*optax.adadelta(rho=rho))  # whose default rate has another sign


def _grows(*, learning_rate=0.1):
    def update(gradient, state, params):
        return jax.tree.map(lambda g: -learning_rate * g, gradient), (*state, 0.0)

    return Optimizer(lambda params: (), update)


def _divides(*, learning_rate=0.1):
    def update(gradient, state, params):
        return jax.tree.map(lambda g: -learning_rate * g / abs(g), gradient), state

    return Optimizer(lambda params: (), update)


def _named(*, schedule="cosine"):
    return Optimizer(*optax.sgd(0.1))


@pytest.mark.parametrize(
    ("factory", "broken"),
    [
        (_branches, "with options that jax traces"),
        (_ascends, "goes against the gradient"),
        (_grows, "update keeps"),
        (_divides, "updates are finite"),
        (_named, "options are numbers"),
    ],
)
def test_the_rule_that_an_optimizer_breaks_is_named(factory, broken):
    with pytest.raises(AssertionError, match=broken):
        testing.check_optimizer(factory)
