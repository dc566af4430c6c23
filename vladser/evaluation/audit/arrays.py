"""The arrays that a training is given: what they say of the test speakers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import jax
import numpy as np

from vladser.data import dataset
from vladser.data.batches import Plan
from vladser.data.dataset import Moments
from vladser.engine import trials
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.evaluation.audit.finding import Finding
from vladser.types import Dataset, Fold, PyTree

_SCALER = ("mean", "scale")
_SHARES = ("objective",)  # it hangs on class shares


def planned(design: Design) -> Finding:
    """Looks for test speakers in every minibatch that the schedule has."""
    leaked, rows = np.zeros(len(design.folds), int), 0
    for plan in _plans(design):
        for epoch in range(plan.epochs):
            found, seen = _test_speakers(design, plan.epoch(epoch + 1))
            leaked, rows = leaked + found, rows + seen
    return _of_rows("training_rows", leaked, f"{rows:,} rows of training minibatches")


def given(design: Design, results: Results) -> Finding:
    """Counts test speakers in the rows that the training steps were given."""
    leaked = results.leaked.sum(axis=(0, 1))
    rows = f"{int(results.rows.sum()):,} rows that training steps were given"
    return _of_rows("given_rows", leaked, rows)


def validation_rows(design: Design) -> Finding:
    """Looks for test speakers among the rows that choose the epoch."""
    (plan, *_) = _plans(design)
    steps = (rows for rows, _ in plan.evaluation("validation"))
    leaked, rows = _test_speakers(design, steps)
    return _of_rows("validation_rows", leaked, f"{rows:,} rows that choose the epoch")


def _plans(design: Design) -> list[Plan]:
    return [design.plan(places[0]) for places in design.programs()]


def _test_speakers(
    design: Design, steps: Iterable[np.ndarray]
) -> tuple[np.ndarray, int]:
    """Counts rows of the steps [seeds, folds, B] whose speaker the fold tests, [folds],
    and all rows."""
    data = design.datasets[0]
    tested = np.stack([_tested(data, fold) for fold in design.folds])
    tested = np.pad(tested, ((0, 0), (0, 1)))  # -1, an empty row, is nobody
    fold = np.arange(len(design.folds))[:, None]
    leaked, rows = np.zeros(len(design.folds), int), 0
    for step in steps:
        leaked += tested[fold, step].sum(axis=(0, 2))
        rows += int(np.count_nonzero(step >= 0))
    return leaked, rows


def _tested(data: Dataset, fold: Fold) -> np.ndarray:
    """[N] which utterances are by someone whom the fold tests."""
    return np.isin(data.speaker, data.speaker[fold.test])


def _of_rows(check: str, found: np.ndarray, rows: str) -> Finding:
    count, folds = int(found.sum()), np.count_nonzero(found)
    if count:
        text = (
            f"{folds:,} of {len(found):,} folds: test speakers in {count:,} of {rows}"
        )
        return Finding(check, "error", count, text)
    return Finding(check, "ok", 0, f"no test speaker in {rows}")


def scaler_and_prior(design: Design) -> Iterator[Finding]:
    """Computes the trials' arrays once more with all that a fold may not see spoilt:
    they must come out the same, to the bit."""
    scalers, priors = ([True] * len(design.folds) for _ in range(2))
    for places in design.programs():
        data = design.datasets[places[0]]
        moments = dataset.moments(data) if design.standardize == "train" else None
        chosen = [design.conditions[place] for place in places]
        folds, seeds = design.folds, design.seeds
        used = trials.rectangle(data, moments, chosen, folds, seeds)
        for number, fold in enumerate(folds):
            spoilt = _spoilt(data, moments, fold)
            again = trials.rectangle(*spoilt, chosen, [fold], seeds)
            same = {
                field: _equal(
                    jax.tree.map(
                        lambda x: x[:, number :: len(folds)],  # noqa: B023
                        getattr(used, field),
                    ),
                    getattr(again, field),
                )
                for field in (*_SCALER, *_SHARES)
            }
            scalers[number] &= all(same[field] for field in _SCALER)
            priors[number] &= all(same[field] for field in _SHARES)
    scaler = _of_trials("scaler", "mean and deviation", scalers)
    if design.standardize == "speaker" and scaler.level == "ok":
        scaler = Finding(
            "scaler",
            "warning",
            len(design.folds),
            "transductive: each speaker, the tested ones included, is standardized by "
            "the mean and deviation of all their own frames, without labels",
        )
    yield scaler
    yield _of_trials("prior", "class prior, class weights and logit adjustment", priors)


def _equal(one: PyTree, other: PyTree) -> bool:
    """Compares trees of arrays; NaN equals nothing."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


def _spoilt(
    corpus: Dataset, moments: Moments | None, fold: Fold
) -> tuple[Dataset, Moments | None]:
    """The corpus where what is outside the fold's training set, and whatever a test
    speaker said, is NaN and wrongly labelled."""
    hidden = _tested(corpus, fold)
    hidden[np.setdiff1d(np.arange(len(hidden)), fold.train)] = True
    # One label for all: if they agree already, another one than theirs.
    label = corpus.label.copy()
    label[hidden] = (label[fold.test[0]] + 1) % len(corpus.emotions)
    if moments:
        nan = np.where(hidden, np.nan, 0.0)[:, None]
        mean, squares = moments.mean + nan, moments.squares + nan
        moments = moments._replace(mean=mean, squares=squares)
    return replace(corpus, label=label), moments


def _of_trials(check: str, what: str, same: Sequence[bool]) -> Finding:
    count = len(same) - sum(same)
    if count:
        text = (
            f"{count:,} of {len(same):,} folds: the test speakers have a say in the "
            f"{what}"
        )
        return Finding(check, "error", count, text)
    text = (
        f"{len(same):,} of {len(same):,} folds: the same {what}, to the bit, where the "
        "test speakers' frames are NaN and their labels wrong"
    )
    return Finding(check, "ok", 0, text)
