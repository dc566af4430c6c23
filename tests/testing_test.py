"""Every part keeps its contract, and a part that breaks a rule is told which."""

from importlib import import_module

import pytest

from vladser import registry, testing

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
FAST = "mean", "netvlad", "lstm", "linear", "cross_entropy", "adadelta"  # to compile


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
        check(factory, **OPTIONS[name])
    else:
        check(factory())
