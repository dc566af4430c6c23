"""What trainings are given, and were given, of the test speakers."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import jax
import numpy as np

from vladser import registry
from vladser.data import folds
from vladser.data.dataset import Moments
from vladser.engine.design import Design, rectangle, standardized
from vladser.engine.results import Results
from vladser.evaluation.audit import Finding
from vladser.text import few
from vladser.types import Dataset, Fold, PyTree


def planned(design: Design) -> list[Finding]:
    """Checks the rows of every minibatch, and scaler and class shares of every trial,
    that trainings will be given, and the rows that readouts will be fitted to."""
    programs = [
        (places, design.plan(places[0]), _hidden_rows(design, places[0]))
        for places in design.programs()
    ]
    trained = (
        (hidden, step)
        for _, plan, hidden in programs
        for epoch in range(plan.epochs)
        for step in plan.epoch(epoch + 1)
    )

    def evaluated(name, programs):
        for _, plan, hidden in programs:
            for step, _ in plan.evaluation(name):
                yield hidden, step

    findings = [_of_rows(design, "training_rows", trained, "of training minibatches")]
    if design.validation:
        choosing, text = evaluated("validation", programs), "that choose the epoch"
        findings.append(_of_rows(design, "validation_rows", choosing, text))
    readouts = [registry.readouts.build(c.readout) for c in design.conditions]
    fitted = [of for of in programs if any(readouts[place].fit for place in of[0])]
    if fitted:
        seen, text = evaluated("train", fitted), "that readouts are fitted to"
        findings.append(_of_rows(design, "readout_rows", seen, text))
    return [*findings, *_scaler_and_prior(design)]


def given(design: Design, results: Results) -> list[Finding]:
    """Checks the rows that training steps were given, and that each trial was tested
    after the epoch that the protocol names: the last, or with validation the earliest
    of the best validation UA. `results` are those of all trials."""
    rows = f"{int(results.rows.sum()):,} rows that training steps were given"
    leaked = _leaking(design, "given_rows", results.leaked.sum(axis=(0, 1)), rows)
    if design.validation:
        ua = np.where(np.isnan(results.validation_ua), -1, results.validation_ua)
        expected = ua.argmax(axis=-1) + 1
        which = "the earliest of their best validation UA"
    else:
        last = [condition.epochs for condition in design.conditions]
        expected = np.broadcast_to(np.array(last)[:, None], results.epoch.shape)
        which = f"the last, {few(f'{n:,}' for n in sorted(set(last)))}"
    total, count = expected.size, int(np.count_nonzero(results.epoch != expected))
    text = f"{count:,} of {total:,} trainings tested after another epoch than {which}"
    return [leaked, Finding("chosen_epoch", "error" if count else "ok", count, text)]


def _of_rows(
    design: Design, check: str, seen: Iterable[tuple[np.ndarray, np.ndarray]], what: str
) -> Finding:
    """Checks steps [seeds, folds, B] of rows, each beside those that may not be in it,
    see `_hidden_rows`."""
    fold = np.arange(len(design.folds))[:, None]
    leaked, rows = np.zeros(len(design.folds), int), 0
    for hidden, step in seen:
        leaked += hidden[fold, step].sum(axis=(0, 2))
        rows += int(np.count_nonzero(step >= 0))
    return _leaking(design, check, leaked, f"{rows:,} rows {what}")


def _whose(design: Design) -> str:
    """Returns what is hidden from a training: all of a test speaker, or utterances."""
    data = design.datasets[0]
    shared = any(
        len(folds.shared_speakers(data, f)) for f in design.folds if f.by_split
    )
    return "utterance" if shared else "speaker"


def _hidden_rows(design: Design, place: int) -> np.ndarray:
    """Returns which rows of a condition have frames of what a fold hides, [folds, M +
    1], the last of which is an empty row. Pieces are of the utterance in which their
    frames lie, whatever they are said to be of."""
    data, rows = design.datasets[place], design.rows(place).data
    begin, end = (
        np.searchsorted(data.offset, frame, side="right") - 1
        for frame in (rows.offset, rows.offset + rows.length - 1)
    )
    hidden = np.stack([folds.hidden(data, fold) for fold in design.folds])
    return np.pad(hidden[:, begin] | hidden[:, end], ((0, 0), (0, 1)))


def _leaking(design: Design, check: str, leaked: np.ndarray, rows: str) -> Finding:
    count, concerned = int(leaked.sum()), np.count_nonzero(leaked)
    text = f"no test {_whose(design)} in {rows}"
    if count:
        of = f"{concerned:,} of {len(leaked):,} folds"
        text = f"{of}: test {_whose(design)}s in {count:,} of {rows}"
    return Finding(check, "error" if count else "ok", count, text)


def _scaler_and_prior(design: Design) -> Iterator[Finding]:
    """Computes the trials' arrays again with all that a fold may not see spoilt."""
    scalers, priors = np.ones((2, len(design.folds)), bool)
    for places in design.programs():
        data = design.datasets[places[0]]
        _, moments = standardized(design, data)
        chosen = [design.conditions[place] for place in places]
        used = rectangle(data, moments, chosen, design.folds, design.seeds)
        for number, fold in enumerate(design.folds):
            spoilt = _spoilt(data, moments, fold)
            again = rectangle(*spoilt, chosen, [fold], design.seeds)
            mine = jax.tree.map(lambda x: x[:, number :: len(design.folds)], used)  # noqa: B023
            scalers[number] &= _equal(mine.mean, again.mean)
            scalers[number] &= _equal(mine.scale, again.scale)
            priors[number] &= _equal(mine.objective, again.objective)
    if design.standardize == "speaker" and scalers.all():
        text = (
            "transductive: each speaker, the tested ones included, is standardized by "
            "the mean and deviation of all their own frames, without labels"
        )
        yield Finding("scaler", "warning", len(design.folds), text)
    else:
        yield _of_folds(design, "scaler", "mean and deviation", scalers)
    what = "class prior, class weights and logit adjustment"
    yield _of_folds(design, "prior", what, priors)


def _equal(one: PyTree, other: PyTree) -> bool:
    """Compares trees of arrays; NaN equals nothing."""
    return jax.tree.all(jax.tree.map(np.array_equal, one, other))


def _spoilt(
    corpus: Dataset, moments: Moments | None, fold: Fold
) -> tuple[Dataset, Moments | None]:
    """Returns the corpus where all but the fold's training set, and what the fold
    hides, is NaN and wrongly labelled."""
    hidden = folds.hidden(corpus, fold)
    hidden[np.setdiff1d(np.arange(len(hidden)), fold.train)] = True
    # One label for all: if they agree already, another one than theirs.
    label = corpus.label.copy()
    label[hidden] = (label[fold.test[0]] + 1) % len(corpus.emotions)
    if moments:
        nan = np.zeros((len(moments.count), 1))
        nan[moments.group[hidden]] = np.nan
        mean, squares = moments.mean + nan, moments.squares + nan
        moments = moments._replace(mean=mean, squares=squares)
    return replace(corpus, label=label), moments


def _of_folds(design: Design, check: str, what: str, same: np.ndarray) -> Finding:
    count, every = int(np.count_nonzero(~same)), f"{len(same):,} folds"
    whose = _whose(design)
    text = (
        f"{len(same):,} of {every}: the same {what}, to the bit, where the test "
        f"{whose}s' frames are NaN and their labels wrong"
    )
    if count:
        text = f"{count:,} of {every}: the {what} depend on the test {whose}s"
    return Finding(check, "error" if count else "ok", count, text)
