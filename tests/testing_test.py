"""Every part keeps its contract; of one that does not, the broken rule is named."""

from importlib import import_module

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vladser import merging, registry, testing
from vladser.aggregators.mean import mean
from vladser.contracts import Head, Objective, Optimizer, Pieces, Readout
from vladser.encoders.lstm import lstm
from vladser.encoders.none import none

pytestmark = pytest.mark.numeric

FAST = "mean", "none", "linear", "cross_entropy", "sgd"  # to compile


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, marks=[] if name in FAST else pytest.mark.slow)
        for kind, room in registry.ROOMS.items()
        for name in room.names()
        if name != "embedding"  # of a network, see network_test.py
    ],
)
def test_every_part_keeps_its_contract(kind, name):
    check, room = getattr(testing, f"check_{kind}"), registry.ROOMS[kind]
    factory = getattr(import_module(f"{room.package}.{name}"), name)
    if room.traced:
        others = {
            option: "uniform" if option == "smoothing" else 0.8 * default or 0.5
            for option, default in room.parse(name).options
        }
        check(factory, **others)
    else:
        check(factory())


@pytest.mark.slow
def test_two_layers_keep_the_contract():
    testing.check_encoder(lstm(cells=4, layers=2))


def _sum(params, frames, mask):
    return jnp.where(mask[:, None], frames, 0).sum(axis=0)


def _pool(apply):
    return mean()._replace(apply=apply, stepwise=None)


def _steps(**functions):
    return mean()._replace(stepwise=mean().stepwise._replace(**functions))


def _encode(apply):
    return none()._replace(apply=apply)


def _walk(**functions):
    return none()._replace(recurrence=none().recurrence._replace(**functions))


def _objective(prepare, loss):
    return lambda *, size=1.0: Objective(
        lambda labels, classes: prepare(size),
        lambda key, size, classes: (),
        lambda params, data, vectors, logits, labels: loss(size, data, logits),
    )


def _squares(size, data, logits):
    return data * (logits**2).sum(axis=1)


def _cut(span, **more):
    """Pieces of one piece."""
    return Pieces(lambda energy: np.array([span(energy)]), **more)


def _whole(energy):
    return 0, len(energy)


def _draws(seed, vectors, labels, classes):
    return {"kernel": np.random.default_rng().normal(size=(3, classes))}


def _second(params, vectors):
    return np.eye(3)[[1] * len(vectors)]


def _branches(*, learning_rate=0.1):
    return Optimizer(*optax.sgd(learning_rate if learning_rate > 0 else 1.0))


def _ascends(*, rho=0.9):
    return Optimizer(*optax.adadelta(rho=rho))  # whose default rate has another sign


BROKEN = {
    "aggregator": {
        "init depends on the key": mean()._replace(
            init=lambda key, dim: np.random.default_rng().normal(size=dim)
        ),
        "apply can be compiled": _pool(lambda p, x, m: _sum(p, x, m) if m.any() else 0),
        "padding reaches neither": _pool(lambda p, x, m: (x * m[:, None]).sum(axis=0)),
        "finite, without a frame too": _pool(lambda p, x, m: _sum(p, x, m) / m.sum()),
        "update keeps the structure": _steps(
            start=lambda p, dim: (jnp.zeros(dim, "float32"), jnp.zeros(()))
        ),
        "stepwise equals apply": _steps(
            update=lambda p, state, x, m: (_sum(p, x, m), state[1] + m.sum())
        ),
    },
    "encoder": {
        "those of padding too": _encode(lambda p, x, m: x / m[..., None]),
        "no output depends on padding": _encode(lambda p, x, m: x - x.mean(axis=0)),
        "the recurrence equals apply": _walk(  # residuals are not differentiated
            residuals=lambda p, carry, x, m: x,
            update=lambda p, carry, x, m, saved: (saved, carry),
        ),
    },
    "pieces": {
        r"cut returns \[P, 2\]": _cut(lambda energy: (0, len(energy), 0)),
        "in the utterance": _cut(lambda energy: (1, len(energy))),
        "at least one frame": _cut(lambda energy: (0, 0)),
        "not by energy do not depend on it": _cut(lambda x: (x.argmax(), 1)),
        r"silent returns \[P\] bool": _cut(
            _whole, silent=lambda energy, pieces: pieces[:, 0], by_energy=True
        ),
    },
    "readout": {
        r"describe returns finite vectors \[N, V\]": Readout(lambda v, *_: v, None),
        "both fit and scores, or neither": Readout(merging.mean, _draws),
        "are probabilities": Readout(lambda *of: 2 * merging.mean(*of), None),
        "twice the same": Readout(merging.mean, _draws, _second),
        "the training set lacks": Readout(merging.mean, lambda *_: {}, _second),
    },
    "head": {
        "no logits depend on another utterance": Head(
            lambda key, size, classes: (), lambda p, x: x[:, :3] - x[:, :3].mean(axis=0)
        )
    },
    "objective": {
        "sees the options in its data alone": _objective(
            lambda size: np.array(1.0), lambda size, *data: size * _squares(size, *data)
        ),
        "no loss depends on another": _objective(
            np.array, lambda *data: _squares(*data) / len(data[-1])
        ),
    },
    "optimizer": {
        "with options that jax traces": _branches,
        "goes against the gradient": _ascends,
    },
}


@pytest.mark.parametrize(
    ("kind", "rule"), [(kind, rule) for kind in BROKEN for rule in BROKEN[kind]]
)
def test_the_rule_that_a_part_breaks_is_named(kind, rule):
    options = {"size": 2.0} if kind == "objective" else {}
    with pytest.raises(AssertionError, match=rule):
        getattr(testing, f"check_{kind}")(BROKEN[kind][rule], **options)
