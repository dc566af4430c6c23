"""Leaks that are built in on purpose are found."""

from dataclasses import replace

import numpy as np
import pytest
import toys

from vladser.data import batches, cutting, dataset, folds
from vladser.engine.design import rectangle
from vladser.engine.on_devices import OnDevices
from vladser.engine.results import Results
from vladser.evaluation.audit import training

CONDITIONS = [
    toys.but(aggregator="mean", smoothing="none"),
    toys.but(aggregator="final", class_weights=1.0, logit_adjustment=0.5),
]


def _design(corpus, made=None, **options):
    return toys.design(corpus, CONDITIONS, (0, 3), made, **options)


def _audit(design):
    """Findings by check."""
    return {finding.check: finding for finding in training.planned(design)}


def _wrong(found):
    return {check for check, finding in found.items() if finding.level == "error"}


def test_our_own_arrays_are_clean():
    design = _design(toys.corpus(), validation=True)
    found = _audit(design)
    assert [*found] == ["training_rows", "validation_rows", "scaler", "prior"]
    assert {finding.level for finding in found.values()} == {"ok"}
    # Of two programs, two seeds and two epochs.
    rows = sum(len(fold.train) for fold in design.folds) * 2 * 2 * 2
    assert f" {rows:,} rows of training minibatches" in found["training_rows"].text
    rows = sum(len(fold.validation) for fold in design.folds) * 2 * 2
    assert f" {rows} rows that choose" in found["validation_rows"].text


@pytest.mark.parametrize("only_another", [False, True])
def test_a_fold_that_trains_on_a_test_speaker(only_another):
    """On a test utterance, or on another of the same speaker."""
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    train, test = made[1].train, made[1].test
    made[1] = made[1]._replace(
        train=np.append(train, test[:1]), test=test[1:] if only_another else test
    )
    found = _audit(_design(corpus, made))
    assert found["training_rows"][1:3] == ("error", 8)
    assert "1 of 4 folds: test speakers in 8 of " in found["training_rows"].text
    assert found["scaler"][1:3] == found["prior"][1:3] == ("error", 1)


def test_of_a_split_that_shares_speakers_test_utterances_alone_are_hidden():
    corpus = toys.corpus()
    split = np.array(["train", "train", "validation", "test"])[corpus.speaker]
    split[np.flatnonzero(corpus.speaker == 0)[::2]] = "test"
    made = folds.make(replace(corpus, split=split), "split", "split")
    found = _audit(_design(corpus, made, validation=True))
    assert not _wrong(found)
    assert all("test speaker" not in of.text for of in found.values())
    assert "no test utterance in" in found["training_rows"].text
    for name in "train", "validation":
        rows = np.append(getattr(made[0], name), made[0].test[:1])
        leaky = [made[0]._replace(**{name: rows})]
        wrong = _wrong(_audit(_design(corpus, leaky, validation=True)))
        expected = {"training_rows", "scaler", "prior"}
        assert wrong == (expected if name == "train" else {"validation_rows"})


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
    assert found["training_rows"].count == 2
    assert _wrong(found) == {"training_rows", "validation_rows"}


@pytest.mark.slow
def test_what_the_steps_were_given_is_counted_in_training(monkeypatch):
    """Not what the schedule says that they should be given."""
    design, right = toys.design(toys.corpus()), OnDevices.of_trials

    def checked():
        return training.given(design, toys.train(design)[1])[0]

    assert checked().level == "ok"
    monkeypatch.setattr(
        OnDevices,
        "of_trials",
        lambda self, rows, failed=None: np.roll(right(self, rows, failed), 1, axis=1),
    )
    leaked = checked()
    assert leaked.level == "error"
    assert "4 of 4 folds: test speakers in " in leaked.text


def test_a_scaler_of_all_rows(monkeypatch):
    corpus, scaler = toys.corpus(), dataset.scaler

    def of_all(moments, rows):
        return scaler(moments, np.arange(len(moments.group)))

    monkeypatch.setattr(dataset, "scaler", of_all)
    found = _audit(_design(corpus))
    assert found["scaler"].count == 4
    assert _wrong(found) == {"scaler"}


@pytest.mark.parametrize("one_class", [False, True])
@pytest.mark.parametrize("field", ["prior", "class_weights", "logit_adjustment"])
def test_class_shares_of_all_rows(monkeypatch, field, one_class):
    corpus = toys.corpus()
    if one_class:  # of the speaker who is tested first
        corpus.label[corpus.speaker == 0] = 2

    def of_all(corpus, moments, conditions, folds, seeds):
        made = rectangle(corpus, moments, conditions, folds, seeds)
        everyone = [fold._replace(train=np.arange(len(corpus.label))) for fold in folds]
        other = rectangle(corpus, None, conditions, everyone, seeds)
        leak = {field: getattr(other.objective, field)}
        return made._replace(objective=made.objective._replace(**leak))

    monkeypatch.setattr(training, "rectangle", of_all)
    assert _wrong(_audit(_design(corpus))) == {"prior"}


def test_standardization_by_speaker_is_called_transductive():
    found = _audit(_design(toys.corpus(), standardize="speaker"))
    assert found["scaler"].level == "warning"
    assert "transductive" in found["scaler"].text
    assert found["prior"].level == "ok"


@pytest.mark.parametrize("validation", [False, True])
def test_the_last_epoch_is_tested_or_the_earliest_of_the_best(validation):
    ua = [[0.5, 0.7, 0.7], [0.9, 0.1, 0.2]] if validation else np.full((2, 3), np.nan)
    right, text = ([2, 1], "validation UA") if validation else ([3, 3], "the last, 3")
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker", "partner")[:2]
    design = toys.design(corpus, [toys.but(epochs=3)], [0], made, validation=validation)
    some = dict.fromkeys(Results._fields, np.zeros((1, 1, 2), int))
    for epoch, level, count in (right, "ok", 0), ([3, 2], "error", 1 + validation):
        some["epoch"] = np.reshape(epoch, (1, 1, 2))
        some["validation_ua"] = np.reshape(ua, (1, 1, 2, 3))
        _, chosen = training.given(design, Results(**some))
        assert chosen[1:3] == (level, count)
        assert f"{count} of 2 trainings" in chosen.text and text in chosen.text


_PIECES = [
    toys.but(aggregator="mean", pieces="windows(frames=8,hop=5)", readout=readout)
    for readout in ("softmax", "elm")
] + [toys.but(aggregator="mean", pieces="first(frames=9)")]


def test_rows_of_pieces_and_readouts_are_clean():
    design = toys.design(toys.corpus(), _PIECES, (0, 3), validation=True)
    found = _audit(design)
    names = ["training_rows", "validation_rows", "readout_rows", "scaler", "prior"]
    assert [*found] == names
    assert {finding.level for finding in found.values()} == {"ok"}
    windows, first = (
        sum(len(fold.train) for fold in design.plan(place).folds) for place in (0, 2)
    )
    # Of two seeds, and two epochs. One of the programs has a readout to fit.
    text = found["training_rows"].text
    assert f" {2 * 2 * (windows + first):,} rows of training minibatches" in text
    assert f" {2 * windows:,} rows that readouts are fitted to" in (
        found["readout_rows"].text
    )


def test_a_piece_that_is_said_to_be_of_another_utterance(monkeypatch):
    """Of one by the next speaker: the fold takes it for that speaker's."""
    corpus, cut = toys.corpus(), cutting.cut

    def confused(data, pieces):
        rows = cut(data, pieces)
        wrong = rows.parent + (rows.parent == np.flatnonzero(corpus.speaker == 0)[-1])
        return rows._replace(parent=wrong)

    monkeypatch.setattr(cutting, "cut", confused)
    found = _audit(toys.design(corpus, _PIECES, (0,)))
    assert {"training_rows", "readout_rows"} <= _wrong(found)
    assert "1 of 4 folds" in found["readout_rows"].text


def test_a_piece_that_reaches_into_the_next_utterance(monkeypatch):
    corpus, cut = toys.corpus(), cutting.cut
    last = np.flatnonzero(corpus.speaker == 0)[-1]

    def long(data, pieces):
        rows = cut(data, pieces)
        longer = rows.data.length + (rows.parent == last)
        return rows._replace(data=replace(rows.data, length=longer))

    monkeypatch.setattr(cutting, "cut", long)
    whole = toys.but(aggregator="mean")  # whose row is the utterance
    (finding, *_) = training.planned(toys.design(corpus, [whole], (0,)))
    assert finding.level == "error" and "1 of 4 folds" in finding.text


def test_a_readout_that_is_fitted_to_test_rows(monkeypatch):
    right = batches.plan
    monkeypatch.setattr(batches, "plan", lambda *args: _LeakyRows(*right(*args)))
    corpus, elm = toys.corpus(), toys.but(aggregator="mean", readout="elm")
    assert "readout_rows" in _wrong(_audit(toys.design(corpus, [elm])))
    assert "readout_rows" not in _audit(toys.design(corpus))
