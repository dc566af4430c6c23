"""The systems of Table 2: what they are called, and how a run judges them."""

from dataclasses import replace
from types import SimpleNamespace

import fake_run
import numpy as np
import pytest
import report_page
import toys

from launch.command_line import cli, flagfiles, flags
from launch.experiment import designing
from vladser import systems
from vladser.condition import Condition, make
from vladser.evaluation import comparisons, paper
from vladser.registry import features, objectives
from vladser.systems import SYSTEMS
from vladser.text import percent

OTHERS = [system.condition for system in SYSTEMS]
WHOLE = [paper.PROPOSED, *OTHERS]
SINGLE = [*map(systems.single_view, WHOLE)]
NAMES = [system.name for system in SYSTEMS]
SAME = [replace(one, features=paper.PROPOSED.features) for one in WHOLE]


def _flagfile(name):
    file = f"--flagfile={flagfiles.FOLDER / name}.flags"
    return flags.conditions(cli.parse(flags.Settings, [file, "--corpus=demo"]))


def test_the_flagfiles_train_the_systems_as_described():
    assert _flagfile("table2_rivals") == WHOLE
    assert _flagfile("table2_same_features") == SAME
    small = [*WHOLE]
    small[3] = make(**{**systems.settings(OTHERS[2]), "cells": 64})
    assert _flagfile("table2_rivals_small") == small


def test_systems_are_called_by_their_authors_and_what_differs():
    assert systems.names(WHOLE) == ["netvlad(clusters=4), unigram 0.2", *NAMES]
    assert systems.names(SINGLE)[2] == f"{NAMES[1]}, single view"
    same = ", features vladser147"
    assert systems.names(SAME)[1:] == [
        *(f"{name}{same}" for name in NAMES[:3]),
        NAMES[3],
    ]
    shorter = replace(OTHERS[0], epochs=5)
    assert systems.names([shorter]) == NAMES[:1]
    assert systems.names([shorter, OTHERS[0]]) == [f"{NAMES[0]}, epochs 5", NAMES[0]]


@pytest.mark.parametrize(
    "condition",
    [Condition(), make(aggregator="mean"), make(readout="svm"), make(features="han30")],
)
def test_other_conditions_keep_their_names(condition):
    assert systems.find(condition) is None
    assert systems.names([condition]) == [condition.name]


def test_an_objective_of_views_becomes_that_of_the_emotion():
    (changed,) = {*SINGLE} - {*WHOLE}
    assert str(changed.objective).startswith("cross_entropy(smoothing='none'")
    assert systems.find(changed) is SYSTEMS[1]


@pytest.mark.parametrize("epochs", [50, 20])
def test_other_systems_are_families_of_their_own(epochs):
    whole, same = (
        [replace(one, epochs=epochs) for one in conditions]
        for conditions in (WHOLE, SAME)
    )
    families = {
        family.name: [family.reference, *family.members]
        for conditions in (whole, same)
        for family in comparisons.families(conditions)
    }
    assert families == {
        "Other systems of Table 2": whole,
        "Other systems of Table 2, on its features": same,
    }


def test_other_features_are_no_family_of_table_2():
    elsewhere = replace(OTHERS[1], features=features.parse("eGeMAPSv02"))
    (family,) = comparisons.families([paper.PROPOSED, elsewhere])
    assert family.name == "Other conditions"


def test_a_view_is_single_where_training_knows_no_other():
    """What is tested may have activation and valence."""
    corpus = toys.corpus()
    settings = SimpleNamespace(
        **{"test_corpus": None, "hold_out": "split", "validation": "none"},
        **{"grid": (), "condition": {"objective": objectives.parse("views")}},
        **{"seeds": 1, "standardize": "train"},
    )
    split = np.where(np.arange(len(corpus.label)) % 4, "train", "test")
    for part, left in ("test", "cross_entropy"), ("train", "views"):
        views = np.where(split[:, None] == part, 3.0, np.nan) * np.ones(2)
        data = replace(corpus, split=split, views=views.astype(np.float32))
        known = {features.parse("vladser147"): data}
        (condition,) = designing.design(settings, known).conditions
        assert condition.objective.name == left


@pytest.mark.slow
def test_the_report_leads_with_the_proposed_system_of_any_epochs(tmp_path):
    proposed, final = (
        make(aggregator=pooling, epochs=20) for pooling in ("netvlad", "final")
    )
    triplet = make(objective="triplet", epochs=20)
    flatters = "a figure that flatters, since it was picked by its result"
    for number, (trained, leads) in enumerate(
        [([final, proposed], True), ([final, triplet], False), ([final], False)]
    ):
        folder = tmp_path / f"{number}"
        fake_run.write(folder, trained)
        text = report_page.without_figures(folder).text
        assert (", the system that the paper proposes." in text) == leads
        assert len(trained) == 1 or leads or flatters in text
        assert len(trained) > 1 or flatters not in text


@pytest.mark.slow
def test_table_2_cites_nothing_of_what_is_not_in_it(tmp_path):
    other = make(aggregator="final", smoothing="none")
    fake_run.write(tmp_path / "run", [other, SYSTEMS[3].condition])
    _, *rows = report_page.without_figures(tmp_path / "run").tables[
        "Table 2 beside this run"
    ]
    assert [row[3] for row in rows] == [percent(None), percent(SYSTEMS[3].cited)]


@pytest.mark.slow
def test_the_report_says_what_table_2_cites_and_judges_the_claims(tmp_path):
    summary = fake_run.write(tmp_path / "run", SINGLE)
    page = report_page.without_figures(tmp_path / "run")
    _, *rows = page.tables["Table 2 beside this run"]
    names = [one["name"] for one in summary["conditions"]]
    assert [row[0] for row in rows] == names
    cited = [paper.PUBLISHED[paper.PROPOSED], *(system.cited for system in SYSTEMS)]
    assert [row[3] for row in rows] == [percent(share) for share in cited]
    assert [row[4] for row in rows[1:]] == [system.provenance for system in SYSTEMS]
    _, *claims = page.tables["The claims of the paper"]
    assert {row[0] for row in claims} == {
        f"The proposed system beats {name}" for name in NAMES
    }
