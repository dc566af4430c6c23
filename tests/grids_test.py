"""Grids against the products that they say."""

from itertools import product

import pytest

from launch.command_line import cli, flags
from vladser.condition import Condition, distinct_names, make, settings


def _conditions(*argv):
    return flags.conditions(cli.parse(flags.Settings, ["--corpus=demo", *argv]))


def test_without_a_grid_there_is_one_condition():
    assert _conditions() == [Condition()]
    (zero,) = _conditions("--alpha=0")
    assert zero == make(smoothing="none")
    assert (settings(zero)["smoothing"], settings(zero)["alpha"]) == ("none", 0)


def test_a_grid_is_the_product_of_its_values_in_their_order():
    found = _conditions(
        "--grid=aggregator=mean, final;smoothing=uniform,unigram; alpha=0.1,0.2",
        "--cells=8",
    )
    assert found == [
        make(aggregator=pooling, smoothing=smoothing, alpha=alpha, cells=8)
        for pooling, smoothing, alpha in product(
            ("mean", "final"), ("uniform", "unigram"), (0.1, 0.2)
        )
    ]


def test_several_grids_are_one_union_with_each_condition_once():
    grid = "--grid=smoothing=none,unigram; alpha=0.1,0.2"
    found = _conditions(grid, "--grid=alpha=0.2,0.3", grid)
    said = [(settings(one)["smoothing"], settings(one)["alpha"]) for one in found]
    assert said == [("none", 0), ("unigram", 0.1), ("unigram", 0.2), ("unigram", 0.3)]
    assert _conditions("--grid=aggregator=netvlad,netvlad(clusters=4)") == [Condition()]


def test_every_setting_can_be_varied():
    found = _conditions(
        "--grid=cells=1,2; noise=0,1; dropout=0,0.1; rho=0,0.9",
        "--grid=head=linear,dense; optimizer=adam,sgd; learning_rate=0.1,1; focal=0,2",
        "--grid=objective=cross_entropy,cross_entropy(alpha=0.3); class_weights=0.5,1",
        "--grid=features=vladser147,npy; epochs=1,2; batch_size=8,16",
        "--corpus=manifest",
        f"--data_dir={__file__}",
    )
    assert len({*distinct_names(found)}) == len(set(found)) == 16 + 16 + 4 + 8


def test_settings_go_to_the_conditions_that_have_them():
    cells = _conditions("--grid=encoder=lstm,none,gru; cells=8,16")
    parts = [str(condition.encoder) for condition in cells]
    sizes = (
        "lstm(cells=8,layers=1)",
        "lstm(cells=16,layers=1)",
        "none",
        "gru(cells=8)",
        "gru(cells=16)",
    )
    assert parts == [*sizes]
    optimizers = _conditions("--grid=optimizer=adadelta,adam", "--rho=0.5")
    assert [str(condition.optimizer) for condition in optimizers] == [
        "adadelta(learning_rate=1.0,rho=0.5)",
        "adam(learning_rate=0.001,b1=0.9,b2=0.999)",
    ]


def test_a_part_and_the_flags_of_its_options_say_the_same():
    (by_flag,) = _conditions("--encoder=gru", "--cells=8", "--focal=2")
    (by_part,) = _conditions(
        "--encoder=gru(cells=8)", "--objective=cross_entropy(focal=2)"
    )
    assert by_flag == by_part


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("table1_pooling", 5),
        ("fig3_clusters", 8),
        ("fig5_smoothing", 13),
        ("fig6_confusion", 3),
        ("table2_proposed", 4),
        ("paper", 25),
    ],
)
def test_flagfiles_of_the_paper(name, count):
    found = _conditions(f"--flagfile={name}.flags")
    assert len(set(found)) == len(found) == count
    assert set(found) <= set(_conditions("--flagfile=paper.flags"))


WRONG = {
    "clusters=4": "each setting once, got 'clusters=4'; settings are aggregator, smoo",
    "alpha=0.1;alpha=0.2": "each setting once, got 'alpha=0.2'",
    "": "expected SETTING=VALUE.* got ''",
    "alpha=0.1,,0.2": "alpha=: expected a number from 0 to 1, got ''",
    "aggregator=mean,netvlad(clusters=0)": (
        r"clusters=0\): .* clusters: expected a whole number of at least 1, got 0"
    ),
    "smoothing=bigram": "expected one of none, uniform, unigram",
    "encoder=gru(cells=3),none --cells=4": r"cells=4 and gru\(cells=3\) differ",
    "noise=0 --encoder=gru(cells=3) --cells=4": "differ: give one of them",
    "encoder=none;cells=8": "cells: no encoder of this run has that option",
    "encoder=none --cells=8": "--cells: no encoder of this run has that option",
    "objective=my.loss --alpha=0.3": "--alpha: no objective of this run has that",
}


@pytest.mark.parametrize("argv", WRONG)
def test_wrong_grids_are_refused_in_a_line(argv):
    said = WRONG[argv].removeprefix("--")
    with pytest.raises(cli.UsageError, match=f"^--.*{said}") as caught:
        _conditions(*f"--grid={argv}".split(" "))
    assert "\n" not in str(caught.value)
