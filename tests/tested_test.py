"""The summary against metrics taken by scikit-learn from the prediction rows alone."""

import statistics
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import toys

from vladser.condition import make
from vladser.data import folds
from vladser.errors import TrainingError
from vladser.evaluation import significance
from vladser.evaluation import tested as evaluated

CONDITION = make(aggregator="netvlad(clusters=3)", smoothing="uniform", alpha=0.1)


def _tested(seeds=(3, 1, 4), drop=None):
    """Random probabilities; `drop`, a speaker and a class, leaves it out of a fold."""
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    if drop:
        speaker, emotion = drop
        test = made[speaker].test
        test = test[corpus.label[test] != emotion]
        made[speaker] = made[speaker]._replace(test=test)
    draw = np.random.default_rng(1)
    shape = (len(seeds), len(made), len(corpus.label))
    right = 2.0 * np.eye(4)[corpus.label]
    found = np.exp(right + draw.normal(size=(*shape, 4))).astype(np.float32)
    found /= found.sum(axis=-1, keepdims=True)
    tested = [found[:, f, fold.test] for f, fold in enumerate(made)]
    return evaluated.Tested(corpus, CONDITION, CONDITION.name, made, seeds, tested)


def _rows(tested):
    rows = tested.predictions()
    return [dict(zip(tested.header(), row, strict=True)) for row in rows]


def _naive(rows, emotions):
    """The metrics, from what predictions.csv says and nothing else."""
    from sklearn.metrics import (  # here, as it takes a second to import
        accuracy_score,
        balanced_accuracy_score,
        confusion_matrix,
    )

    cells = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    pairs = np.stack([cells["emotion"], cells["predicted"]])

    def measure(metric, by):
        """[groups][seeds]"""
        groups = cells[by] if by else np.zeros(len(rows))
        seeds = dict.fromkeys(cells["seed"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that a fold lacks
            return [
                [metric(*pairs[:, (groups == g) & (cells["seed"] == s)]) for s in seeds]
                for g in dict.fromkeys(groups)
            ]

    mean = statistics.fmean
    ua, wa = (
        measure(metric, "fold") for metric in (balanced_accuracy_score, accuracy_score)
    )
    seeds = [mean(seed) for seed in zip(*ua, strict=True)]
    speakers = [mean(group) for group in measure(balanced_accuracy_score, "speaker")]
    (counts,) = measure(partial(confusion_matrix, labels=emotions), None)
    return {
        "ua": {
            "mean_of_folds": mean(seeds),
            "mean_of_speakers": mean(speakers),
            "std_over_seeds": statistics.stdev(seeds) if len(seeds) > 1 else None,
            "pooled": mean(*measure(balanced_accuracy_score, None)),
        },
        "speakers": speakers,
        "wa": {
            "mean_of_folds": mean(map(mean, wa)),
            "pooled": mean(*measure(accuracy_score, None)),
        },
        "confusion": (sum(counts) / len(counts)).tolist(),
        "folds": [mean(fold) for fold in ua],
    }


@pytest.mark.parametrize("seeds", [(3, 1, 4), (7,)])
@pytest.mark.parametrize("drop", [None, (2, 1)])
def test_summary_is_what_the_predictions_say(seeds, drop):
    tested = _tested(seeds, drop)
    found = tested.summary()
    expected = _naive(_rows(tested), tested.dataset.emotions)
    interval = significance.interval(expected["speakers"])
    assert found["ua"].pop("interval") == pytest.approx(interval)
    assert [of["ua"] for of in found["speakers"]] == pytest.approx(expected["speakers"])
    for name in ("ua", "wa"):
        assert found[name] == pytest.approx(expected[name], abs=1e-12)
    np.testing.assert_allclose(found["confusion"], expected["confusion"])
    assert [fold["ua"] for fold in found["folds"]] == pytest.approx(expected["folds"])
    counts = [(fold["held_out"], fold["utterances"]) for fold in found["folds"]]
    assert counts == [("s0", 12), ("s1", 16), ("s2", 9 if drop else 12), ("s3", 16)]
    assert found["seeds"] == list(seeds)
    assert found["aggregator"] == "netvlad(clusters=3)"
    assert (found["smoothing"], found["alpha"]) == ("uniform", 0.1)


def test_a_fold_of_several_speakers_counts_each_of_them():
    tested = _tested()
    pairs = folds.make(tested.dataset, "session")
    of_pairs = [
        np.concatenate(tested.probabilities[2 * f : 2 * f + 2], axis=1)
        for f in range(2)
    ]
    together = tested._replace(folds=pairs, probabilities=of_pairs)
    alone, found = tested.summary(), together.summary()
    assert len(found["folds"]) == 2
    assert found["speakers"] == alone["speakers"]
    assert found["ua"]["interval"] == alone["ua"]["interval"]
    assert found["ua"]["mean_of_speakers"] == alone["ua"]["mean_of_folds"]
    assert found["ua"]["mean_of_folds"] != alone["ua"]["mean_of_folds"]


def test_parts_of_the_test_set_have_a_summary_each():
    tested = _tested()
    corpus = tested.dataset
    split = np.array(["train", "train", "test1", "test2"])[corpus.speaker]
    split[np.flatnonzero(corpus.speaker == 2)[::2]] = "test2"
    corpus = replace(corpus, split=split)
    made = folds.make(corpus, "split")
    of_two = np.concatenate(tested.probabilities[2:], axis=1)
    whole = tested._replace(dataset=corpus, folds=made, probabilities=[of_two])
    rows = _rows(whole)
    parts = whole.by_part()
    assert [part.part for part in parts] == ["test1", "test2"]
    for part in parts:
        names = {corpus.utterances[n] for n in np.flatnonzero(split == part.part)}
        mine = [row | {"fold": part.part} for row in rows if row["utterance"] in names]
        assert _rows(part) == mine
        found, expected = part.summary(), _naive(mine, corpus.emotions)
        of_speakers = [of["ua"] for of in found["speakers"]]
        assert of_speakers == pytest.approx(expected["speakers"])
        del found["ua"]["interval"]
        assert found["ua"] == pytest.approx(expected["ua"], abs=1e-12)
    assert tested.by_part() == [tested]


def test_predictions_hold_each_float32_exactly_and_its_largest_class():
    tested = _tested()
    rows = _rows(tested)
    assert len(rows) == 3 * len(tested.dataset.utterances)
    for row in rows:
        place = tested.dataset.utterances.index(row["utterance"])
        fold = int(row["fold"].removeprefix("s"))
        seed = tested.seeds.index(int(row["seed"]))
        (within,) = np.flatnonzero(tested.folds[fold].test == place)
        wanted = tested.probabilities[fold][seed, within]
        found = {e: np.float32(row[f"p_{e}"]) for e in tested.dataset.emotions}
        assert list(found.values()) == wanted.tolist()
        assert row["predicted"] == max(found, key=found.get)
        assert row["utterance"].startswith(f"{row['speaker']}_{row['emotion']}_")
        assert row["condition"] == "netvlad(clusters=3), uniform 0.1"


def test_nan_is_no_prediction():
    tested = _tested()
    tested.probabilities[2][1, 0] = np.nan
    with pytest.raises(TrainingError, match=r"seed 1, held out s2: .* NaN"):
        tested.summary()
