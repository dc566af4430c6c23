"""Counts of utterances by speaker and emotion."""

from collections.abc import Iterator, Sequence

import numpy as np

from vladser.corpora import iemocap
from vladser.evaluation.audit.finding import Finding, names
from vladser.types import Dataset, Fold


def findings(corpus: Dataset, folds: Sequence[Fold]) -> Iterator[Finding]:
    """Speakers of one emotion and emotions of one speaker, of which who talks says all,
    and folds whose test lacks an emotion."""
    counts = _counts(corpus)
    emotions, speakers = np.array(corpus.emotions), np.array(corpus.speakers)
    single = np.flatnonzero(np.count_nonzero(counts, axis=1) == 1)
    yield _of(
        "speakers_of_one_emotion",
        [f"{speakers[s]} ({emotions[counts[s].argmax()]})" for s in single],
        f"of {len(speakers):,} speakers with one emotion only",
    )
    single = np.flatnonzero(np.count_nonzero(counts, axis=0) == 1)
    yield _of(
        "emotions_of_one_speaker",
        [f"{emotions[e]} ({speakers[counts[:, e].argmax()]})" for e in single],
        f"of {len(emotions):,} emotions from one speaker only",
    )
    lacking = []
    for fold in folds:
        present = np.bincount(corpus.label[fold.test], minlength=len(emotions)) > 0
        if not present.all():
            lacking.append(f"{fold.held_out} (no {', '.join(emotions[~present])})")
    yield _of(
        "tests_without_an_emotion",
        lacking,
        f"of {len(folds):,} folds test without some emotion (UA is over the others)",
    )


def published(corpus: Dataset, corpus_name: str) -> Iterator[Finding]:
    """Whether IEMOCAP, in the classes of the literature, has the literature's counts.

    Of a corpus that is IEMOCAP in part (see `corpora.cross`), that part is looked at.
    """
    prefix = "iemocap:"
    ours = [name for name in corpus.speakers if name.startswith(prefix)]
    if not ours and corpus_name == "iemocap":
        ours = list(corpus.speakers)
    if not ours or {*corpus.emotions} != {*iemocap.CLASSES}:
        return
    counts = _counts(corpus)[:, [corpus.emotions.index(c) for c in iemocap.CLASSES]]
    here = {
        name.removeprefix(prefix): tuple(row)
        for name, row in zip(corpus.speakers, counts.tolist(), strict=True)
        if name in ours
    }
    everyone = sorted({*here, *iemocap.COUNTS})
    differ = [name for name in everyone if here.get(name) != iemocap.COUNTS.get(name)]
    total, expected = (sum(map(sum, c.values())) for c in (here, iemocap.COUNTS))
    if differ:
        text = (
            f"{total:,} utterances, where the literature has {expected:,} of angry, "
            f"happy with excited, sad, neutral; {len(differ)} of {len(iemocap.COUNTS)} "
            f"speakers differ: {names(differ, 10)}"
        )
    else:
        text = f"the literature's {total:,} utterances, by speaker and emotion"
    level = "warning" if differ else "ok"
    yield Finding("published_counts", level, len(differ), text)


def _counts(corpus: Dataset) -> np.ndarray:
    """Utterances, [speakers, emotions]."""
    counts = np.zeros((len(corpus.speakers), len(corpus.emotions)), int)
    np.add.at(counts, (corpus.speaker, corpus.label), 1)
    return counts


def _of(check: str, some: Sequence[str], of_all: str) -> Finding:
    listed = f": {names(some)}" if some else ""
    level = "warning" if some else "ok"
    return Finding(check, level, len(some), f"{len(some):,} {of_all}{listed}")
