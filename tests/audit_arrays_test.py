"""Leaks that are built in on purpose are found in the arrays."""

import numpy as np
import pytest
import toys

from vladser.data import batches, dataset, folds
from vladser.engine import results, trials
from vladser.engine.on_devices import OnDevices
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.evaluation.audit import checks

CONDITIONS = [
    toys.but(aggregator="mean", smoothing="none"),
    toys.but(aggregator="final", class_weights=1.0, logit_adjustment=0.5),
]


def _design(corpus, made=None, **options):
    return toys.design(corpus, CONDITIONS, (0, 3), made, **options)


def _audit(design):
    """Findings by check."""
    return {finding.check: finding for finding in checks.protocol(design)}


def _levels(found):
    return {check: one.level for check, one in found.items()}


def test_our_own_arrays_are_clean():
    design = _design(toys.corpus(), validation=True)
    found = _audit(design)
    assert _levels(found) == dict.fromkeys(
        ("training_rows", "validation_rows", "scaler", "prior"), "ok"
    )
    # Of two programs, two seeds and two epochs.
    rows = sum(len(fold.train) for fold in design.folds) * 2 * 2 * 2
    assert f" {rows:,} rows of training minibatches" in found["training_rows"].text
    rows = sum(len(fold.validation) for fold in design.folds) * 2
    assert f" {rows} rows that choose" in found["validation_rows"].text


def test_a_fold_that_trains_on_a_test_utterance():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[1] = made[1]._replace(train=np.append(made[1].train, made[1].test[:1]))
    found = _audit(_design(corpus, made))
    assert found["training_rows"][1:3] == ("error", 8)
    assert "1 of 4 folds: test speakers in 8 of " in found["training_rows"].text
    assert found["scaler"][1:3] == found["prior"][1:3] == ("error", 1)


def test_another_utterance_of_a_test_speaker_is_a_leak():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    fold = made[0]
    made[0] = fold._replace(
        train=np.append(fold.train, fold.test[0]), test=fold.test[1:]
    )
    assert set(_levels(_audit(_design(corpus, made))).values()) == {"error"}


class _LeakyRows(batches.Plan):
    """A row of the second fold's test set in one minibatch of one seed and epoch."""

    def epoch(self, epoch):
        for number, rows in enumerate(super().epoch(epoch)):
            if (epoch, number) == (2, 1):
                rows[1, 1, 0] = self.folds[1].test[0]
            yield rows

    def evaluation(self, part):
        for rows, places in super().evaluation(part):
            rows[0, 0, 0] = self.folds[0].test[0]
            yield rows, places


def test_a_schedule_that_slips_in_a_test_row(monkeypatch):
    right = batches.plan
    monkeypatch.setattr(batches, "plan", lambda *args: _LeakyRows(*right(*args)))
    found = _audit(_design(toys.corpus(), validation=True))
    assert found["training_rows"][1:3] == ("error", 2)
    assert found["validation_rows"].level == "error"
    assert found["scaler"].level == found["prior"].level == "ok"


@pytest.mark.slow
def test_what_the_steps_were_given_is_counted_in_training(monkeypatch):
    """Not what the schedule says that they should be given."""
    design, right = toys.design(toys.corpus()), OnDevices.of_trials
    batch = TrialBatch(*map(range, design.shape))

    def checked():
        _, outcome = toys.train(design)
        given, _ = checks.trained(design, results.of_batch(batch, outcome))
        return given

    assert checked().level == "ok"
    monkeypatch.setattr(
        OnDevices,
        "of_trials",
        lambda self, rows, failed=None: np.roll(right(self, rows, failed), 1, axis=1),
    )
    assert checked().level == "error"
    assert "4 of 4 folds: test speakers in " in checked().text


def test_a_scaler_of_all_rows(monkeypatch):
    corpus, scaler = toys.corpus(), dataset.scaler

    def of_all(moments, rows):
        return scaler(moments, np.arange(len(moments.count)))

    monkeypatch.setattr(dataset, "scaler", of_all)
    found = _audit(_design(corpus))
    assert found["scaler"][1:3] == ("error", 4)
    assert found["prior"].level == found["training_rows"].level == "ok"


@pytest.mark.parametrize("one_class", [False, True])
@pytest.mark.parametrize("field", ["prior", "class_weights", "logit_adjustment"])
def test_class_shares_of_all_rows(monkeypatch, field, one_class):
    corpus, rectangle = toys.corpus(), trials.rectangle
    if one_class:  # of the speaker who is tested first
        corpus.label[corpus.speaker == 0] = 2
    design = _design(corpus)

    def of_all(corpus, moments, conditions, folds, seeds):
        made = rectangle(corpus, moments, conditions, folds, seeds)
        everyone = [fold._replace(train=np.arange(len(corpus.label))) for fold in folds]
        other = rectangle(corpus, None, conditions, everyone, seeds)
        leak = {field: getattr(other.objective, field)}
        return made._replace(objective=made.objective._replace(**leak))

    monkeypatch.setattr(trials, "rectangle", of_all)
    found = _audit(design)
    assert found["prior"].level == "error"
    assert found["scaler"].level == "ok"


def test_standardization_by_speaker_is_called_transductive():
    corpus = toys.corpus()
    found = _audit(_design(corpus, standardize="speaker"))
    assert found["scaler"].level == "warning"
    assert "transductive" in found["scaler"].text
    assert found["prior"].level == "ok"


def _chosen(epoch, validation_ua, **options):
    """The finding of these epochs of two folds."""
    made = folds.make(toys.corpus(), "speaker", "partner")[:2]
    conditions = [toys.but(epochs=3)]
    design = toys.design(toys.corpus(), conditions, [0], made, **options)
    epoch = np.array(epoch).reshape(1, 1, -1)
    ua = np.array(validation_ua, float).reshape(1, 1, epoch.size, -1)
    nothing = np.zeros((1, 1, 2), int)
    some = dict.fromkeys(Results._fields, nothing)
    merged = Results(**some | {"epoch": epoch, "validation_ua": ua})
    _, chosen = checks.trained(design, merged)
    return chosen


def test_without_validation_the_last_epoch_counts():
    none = np.full((2, 3), np.nan)
    assert _chosen([3, 3], none).level == "ok"
    assert _chosen([3, 2], none)[1:3] == ("error", 1)


def test_with_validation_the_earliest_best_counts():
    ua = [[0.5, 0.7, 0.7], [0.9, 0.1, 0.2]]
    assert _chosen([2, 1], ua, validation=True).level == "ok"
    found = _chosen([3, 3], ua, validation=True)
    assert (found.level, found.count) == ("error", 2)
    assert "2 of 2 trainings" in found.text and "best validation UA" in found.text
