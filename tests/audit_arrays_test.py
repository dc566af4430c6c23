"""Leaks that are built in on purpose are found in the arrays."""

import numpy as np
import pytest
import toys
from vladser.engine.merging import Results

from vladser.condition import make
from vladser.data import batches, dataset, folds
from vladser.engine import trials
from vladser.evaluation.audit import checks

CONDITIONS = [
    make(aggregator="mean", smoothing="none"),
    make(aggregator="final", class_weights=1.0, logit_adjustment=0.5),
]


def _plan(corpus, validation="none", kind=batches.Plan):
    made = folds.make(corpus, "speaker", validation)
    plan = batches.plan(corpus.length, made, (0, 3), epochs=3, batch_size=8)
    return kind(*plan)


def _audit(corpus, plan, standardize="train", validation=False):
    """Findings by check."""
    found = checks.protocol(corpus, CONDITIONS, plan, standardize, validation)
    return {one.check: one for one in found}


def _levels(found):
    return {check: one.level for check, one in found.items()}


def test_our_own_arrays_are_clean():
    corpus = toys.corpus()
    plan = _plan(corpus, "partner")
    found = _audit(corpus, plan, validation=True)
    assert _levels(found) == dict.fromkeys(
        ("training_rows", "validation_rows", "scaler", "prior"), "ok"
    )
    rows = sum(len(fold.train) for fold in plan.folds) * 2 * 2 * 3
    assert f" {rows:,} rows of training minibatches" in found["training_rows"].text
    rows = sum(len(fold.validation) for fold in plan.folds) * 2
    assert f" {rows} rows that choose" in found["validation_rows"].text


def test_a_fold_that_trains_on_a_test_utterance():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[1] = made[1]._replace(train=np.append(made[1].train, made[1].test[:1]))
    plan = batches.plan(corpus.length, made, (0,), epochs=3, batch_size=8)
    found = _audit(corpus, plan)
    assert found["training_rows"][1:3] == ("error", 6)
    assert "1 of 4 folds: test speakers in 6 of " in found["training_rows"].text
    assert found["scaler"][1:3] == found["prior"][1:3] == ("error", 1)


def test_another_utterance_of_a_test_speaker_is_a_leak():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    fold = made[0]
    made[0] = fold._replace(
        train=np.append(fold.train, fold.test[0]), test=fold.test[1:]
    )
    plan = batches.plan(corpus.length, made, (0,), epochs=3, batch_size=8)
    assert set(_levels(_audit(corpus, plan)).values()) == {"error"}


class _LeakyRows(batches.Plan):
    """A row of the second fold's test set in one minibatch of one seed and epoch."""

    def epoch(self, epoch):
        for number, rows in enumerate(super().epoch(epoch)):
            if (epoch, number) == (3, 1):
                rows[1, 1, 0] = self.folds[1].test[0]
            yield rows

    def evaluation(self, part):
        for rows in super().evaluation(part):
            rows[0, 0, 0] = self.folds[0].test[0]
            yield rows


def test_a_schedule_that_slips_in_a_test_row():
    corpus = toys.corpus()
    found = _audit(corpus, _plan(corpus, "partner", _LeakyRows), validation=True)
    assert found["training_rows"][1:3] == ("error", 2)
    assert found["validation_rows"].level == "error"
    assert found["scaler"].level == found["prior"].level == "ok"


def test_rows_of_a_fold_that_reach_the_trials_of_another(monkeypatch):
    corpus = toys.corpus()
    monkeypatch.setattr(trials, "rows", lambda rows, n: np.repeat(rows, n, axis=1))
    assert _audit(corpus, _plan(corpus))["training_rows"].level == "error"


def test_a_scaler_of_all_rows(monkeypatch):
    corpus, scaler = toys.corpus(), dataset.scaler

    def of_all(moments, rows):
        return scaler(moments, np.arange(len(moments.count)))

    monkeypatch.setattr(dataset, "scaler", of_all)
    found = _audit(corpus, _plan(corpus))
    assert found["scaler"][1:3] == ("error", 4)
    assert found["prior"].level == found["training_rows"].level == "ok"


@pytest.mark.parametrize("one_class", [False, True])
@pytest.mark.parametrize("field", ["prior", "class_weights", "logit_adjustment"])
def test_class_shares_of_all_rows(monkeypatch, field, one_class):
    corpus, rectangle = toys.corpus(), trials.rectangle
    if one_class:  # of the speaker who is tested first
        corpus.label[corpus.speaker == 0] = 2
    plan = _plan(corpus)

    def of_all(corpus, moments, conditions, folds, seeds):
        made = rectangle(corpus, moments, conditions, folds, seeds)
        everyone = [fold._replace(train=np.arange(len(corpus.label))) for fold in folds]
        other = rectangle(corpus, None, conditions, everyone, seeds)
        leak = {field: getattr(other.objective, field)}
        return made._replace(objective=made.objective._replace(**leak))

    monkeypatch.setattr(trials, "rectangle", of_all)
    found = _audit(corpus, plan)
    assert found["prior"][1:3] == ("error", 4)
    assert found["scaler"].level == "ok"


def test_standardization_by_speaker_is_called_transductive():
    corpus = toys.corpus()
    found = _audit(corpus, _plan(corpus), standardize="speaker")
    assert found["scaler"].level == "warning"
    assert "transductive" in found["scaler"].text
    assert found["prior"].level == "ok"


def _results(epoch, validation_ua):
    epoch = np.array(epoch).reshape(1, 1, -1)
    ua = np.array(validation_ua, float).reshape(1, 1, epoch.size, -1)
    others = dict.fromkeys(Results._fields)
    return Results(**others | {"epoch": epoch, "validation_ua": ua})


def test_without_validation_the_last_epoch_counts():
    plan = _plan(toys.corpus())
    right = _results([3, 3], np.full((2, 3), np.nan))
    assert checks.epochs(right, plan, validation=False)[0].level == "ok"
    wrong = _results([3, 2], np.full((2, 3), np.nan))
    assert checks.epochs(wrong, plan, validation=False)[0][1:3] == ("error", 1)


def test_with_validation_the_earliest_best_counts():
    plan = _plan(toys.corpus())
    ua = [[0.5, 0.7, 0.7], [0.9, 0.1, 0.2]]
    assert checks.epochs(_results([2, 1], ua), plan, True)[0].level == "ok"
    (found,) = checks.epochs(_results([3, 3], ua), plan, validation=True)
    assert (found.level, found.count) == ("error", 2)
    assert "2 of 2 trainings" in found.text and "best validation UA" in found.text
