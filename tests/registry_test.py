"""Parts by name: what is parsed, built and refused; and conditions made of them."""

import inspect
from importlib import import_module

import pytest

from vladser import options
from vladser.condition import make
from vladser.errors import InputError
from vladser.registry import ROOMS, aggregators, optimizers

EVERY = [(kind, name) for kind, room in ROOMS.items() for name in room.names()]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_name_is_that_of_a_factory_whose_options_are_known_without_importing_it(
    kind, name
):
    part = ROOMS[kind].parse(name)
    factory = getattr(import_module(f"{ROOMS[kind].package}.{name}"), name)
    signature = inspect.signature(factory).parameters.values()
    assert all(option.kind == option.KEYWORD_ONLY for option in signature)
    assert dict(part.options) == {option.name: option.default for option in signature}


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("netvlad( clusters = 8 )", "netvlad(clusters=8)"),
        ("netvlad", "netvlad(clusters=4)"),
        ("mean()", "mean"),
        ("generalized_mean(p=2)", "generalized_mean(p=2.0)"),
        ("my_package.pooling(size=3,kind='b')", "my_package.pooling(size=3,kind='b')"),
        ("my.pooling(of=~/a-1/b_2.c, x=1e-3)", "my.pooling(of='~/a-1/b_2.c',x=0.001)"),
        ("my.pooling(of=org/net-960h,n=-1)", "my.pooling(of='org/net-960h',n=-1)"),
        ("my.pooling(a=true,b= false)", "my.pooling(a=True,b=False)"),
        ("my.pooling(a='b=c,d=e',f=\"g='h,\")", "my.pooling(a='b=c,d=e',f=\"g='h,\")"),
        ("my.pooling(a='true',b=(1,2))", "my.pooling(a='true',b=(1, 2))"),
    ],
)
def test_a_part_has_one_name_however_it_is_written(text, whole):
    part = aggregators.parse(text)
    assert str(part) == whole
    assert aggregators.parse(whole) == part


def test_some_options_are_replaced():
    part = optimizers.replace(optimizers.parse("adam(b1=0.5)"), {"learning_rate": 1})
    assert str(part) == "adam(learning_rate=1.0,b1=0.5,b2=0.999)"
    own = aggregators.replace(aggregators.parse("my.pooling(size=3)"), {"size": 4})
    assert str(own) == "my.pooling(size=4)"
    with pytest.raises(InputError, match="no option 'rho': expected learning_rate, b1"):
        optimizers.replace(part, {"rho": 0.9})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "netvald",
            "one of attentive_maximum, attentive_statistics, final, generalized_mean, ",
        ),
        ("netvlad(cluster=4)", "no option 'cluster': expected clusters"),
        ("mean(clusters=4)", "no option 'clusters': expected none"),
        ("multihead(heads=2.0)", "heads: expected a whole number of at least 1, got"),
        ("generalized_mean(p=0)", "p: expected a number above 0, got"),
        ("netvlad(clusters=four)", "clusters: expected a whole number of at least 1"),
        ("netvlad(clusters=a b)", "NAME(option=value"),
        ("netvlad(clusters=(a,b))", "NAME(option=value"),
        ("netvlad(4)", "NAME(option=value"),
        ("netvlad(**{'clusters': 4})", "NAME(option=value"),
        ("netvlad(clusters=__import__('os'))", "NAME(option=value"),
        ("netvlad(clusters=4", "NAME(option=value"),
        ("my.pooling(sizes=[1, 2])", "NAME(option=value"),
        ("", "NAME(option=value"),
        ("os.getcwd", "expected a vladser.contracts.Aggregator"),
        ("no_package.pooling", "No module named 'no_package'"),
        ("vladser.aggregators.mean.median", "has no attribute 'median'"),
        ("vladser.aggregators.mean.mean(size=3)", "unexpected keyword argument 'size'"),
    ],
)
def test_what_is_no_part_is_refused(text, says):
    with pytest.raises(InputError, match="aggregator") as error:
        aggregators.build(aggregators.parse(text))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("annotation", "default", "right", "wrong"),
    [
        ("Count", 1, [1, 10**6], [0, -1, 1.0, True, "1"]),
        ("Natural", 0, [0, 1], [-1, 0.0, False]),
        ("Positive", 1.0, [1e-9, 2], [0, -1.0, float("nan"), 1e999, 10**999, True]),
        ("NonNegative", 0.0, [0, 0.5], [-1e-9, 1e999, "0"]),
        ("Share", 0.0, [0, 0.5, 1], [-0.1, 1.1, float("nan")]),
        ("Fraction", 0.0, [0, 0.99], [1, -0.1]),
        ("bool", True, [True, False], [0, 1, "True"]),
        ("str", "a", ["b", ""], [1, None]),
        ("", (1, 2), [(3,), ()], [[1], 1]),
        ("Literal['a', 'b']", "a", ["b"], ["c", 1]),
    ],
)
def test_options_have_values_of_their_type(annotation, default, right, wrong):
    for value in right:
        checked = options.check(annotation, default, value)
        assert checked == value and type(checked) is type(default)
    for value in wrong:
        with pytest.raises(ValueError, match=r"expected .*, got"):
            options.check(annotation, default, value)


def test_an_option_may_be_of_two_types():
    two = "Natural | Literal['mean']"
    assert [options.check(two, "mean", value) for value in (3, "mean")] == [3, "mean"]
    for value in (-1, 2.0, "max", True):
        with pytest.raises(ValueError, match="a whole number of at least 0 or mean, "):
            options.check(two, "mean", value)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "netvlad(clusters=4), unigram 0.2"),
        ({"aggregator": "mean", "smoothing": "none"}, "mean, no smoothing"),
        (
            {"cells": 8, "focal": 2},
            "netvlad(clusters=4), unigram 0.2, cells 8, focal 2",
        ),
        (
            {"optimizer": "sgd(momentum=0.9)", "learning_rate": 0.01},
            "netvlad(clusters=4), unigram 0.2, optimizer sgd(momentum=0.9)",
        ),
    ],
)
def test_a_condition_is_named_by_what_is_not_as_in_the_paper(settings, name):
    assert make(**settings).name == name
