"""The arrays that a training is given: what they say of the test speakers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import jax
import numpy as np

from vladser.condition import Condition
from vladser.data import batches, dataset
from vladser.data.dataset import Moments
from vladser.engine import trials
from vladser.evaluation.audit.finding import Finding
from vladser.types import Dataset, Fold, PyTree

_SCALER = ("mean", "scale")
_SHARES = ("objective",)  # it hangs on class shares


def rows(
    corpus: Dataset, conditions: Sequence[Condition], plan: batches.Plan
) -> Finding:
    """Looks for test speakers in every minibatch of every training and epoch."""
    steps = (
        trials.rows(step, len(conditions))
        for epoch in range(plan.epochs)
        for step in plan.epoch(epoch + 1)
    )
    # Condition by condition, and in each of them fold by fold, as trials are named.
    folds = [fold for _ in conditions for fold in plan.folds]
    found, seen = _test_speakers(corpus, folds, steps)
    found = found.reshape(len(conditions), -1).sum(axis=0)
    return _of_rows(
        "training_rows",
        found,
        f"{seen:,} rows of training minibatches (conditions x folds x seeds x epochs: "
        f"{len(conditions):,} x {len(plan.folds):,} x {len(plan.seeds):,} x "
        f"{plan.epochs:,})",
    )


def validation_rows(corpus: Dataset, plan: batches.Plan) -> Finding:
    """Looks for test speakers among the rows that choose the epoch."""
    steps = plan.evaluation("validation")
    found, seen = _test_speakers(corpus, plan.folds, steps)
    return _of_rows("validation_rows", found, f"{seen:,} rows that choose the epoch")


def _test_speakers(
    corpus: Dataset, folds: Sequence[Fold], steps: Iterable[np.ndarray]
) -> tuple[np.ndarray, int]:
    """Rows of the steps [seeds, folds, B] whose speaker the fold tests, [folds], and
    how many rows there are at all."""
    tested = np.stack([_tested(corpus, fold) for fold in folds])
    tested = np.pad(tested, ((0, 0), (0, 1)))  # -1, an empty row, is nobody
    fold = np.arange(len(folds))[:, None]
    found, seen = np.zeros(len(folds), int), 0
    for step in steps:
        found += tested[fold, step].sum(axis=(0, 2))
        seen += int(np.count_nonzero(step >= 0))
    return found, seen


def _tested(corpus: Dataset, fold: Fold) -> np.ndarray:
    """[N] which utterances are by someone whom the fold tests."""
    return np.isin(corpus.speaker, corpus.speaker[fold.test])


def _of_rows(check: str, found: np.ndarray, rows: str) -> Finding:
    count, folds = int(found.sum()), np.count_nonzero(found)
    if count:
        text = (
            f"{folds:,} of {len(found):,} folds: test speakers in {count:,} of {rows}"
        )
        return Finding(check, "error", count, text)
    return Finding(check, "ok", 0, f"no test speaker in {rows}")


def scaler_and_prior(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    standardize: str,
) -> Iterator[Finding]:
    """Computes the trials' arrays once more with all that a fold may not see spoilt:
    they must come out the same, to the bit."""
    moments = dataset.moments(corpus) if standardize == "train" else None
    used = trials.rectangle(corpus, moments, conditions, plan.folds, plan.seeds)
    scalers, priors = [], []
    for number, fold in enumerate(plan.folds):
        spoilt = _spoilt(corpus, moments, fold)
        again = trials.rectangle(*spoilt, conditions, [fold], plan.seeds)
        same = {
            field: _equal(
                jax.tree.map(
                    lambda x: x[:, number :: len(plan.folds)],  # noqa: B023
                    getattr(used, field),
                ),
                getattr(again, field),
            )
            for field in (*_SCALER, *_SHARES)
        }
        scalers.append(all(same[field] for field in _SCALER))
        priors.append(all(same[field] for field in _SHARES))
    scaler = _of_trials("scaler", "mean and deviation", scalers)
    if standardize == "speaker" and scaler.level == "ok":
        scaler = Finding(
            "scaler",
            "warning",
            len(plan.folds),
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
