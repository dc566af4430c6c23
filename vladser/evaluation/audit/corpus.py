"""What a corpus and its folds say by themselves, before anything is trained."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from vladser.corpora import iemocap, names
from vladser.data import dataset
from vladser.data.folds import by_part
from vladser.data.folds import unknown as unknown_speakers
from vladser.evaluation.audit import Finding
from vladser.text import few
from vladser.types import Dataset, Fold, Utterance


def findings(
    corpus: Dataset,
    utterances: Sequence[Utterance],
    folds: Sequence[Fold],
    corpus_name: str,
) -> list[Finding]:
    """Checks what test and training share, speakers of nearly one name, equal audio,
    emotions that depend on the speaker, and the published counts. The dataset was built
    from the utterances; `corpus_name` is that of its reader. Parts of a test set are
    counted as folds."""
    folds = [part for fold in folds for part in by_part(corpus, fold)]
    return [
        *_sharing(corpus, utterances, folds),
        _alike(corpus),
        _duplicates(corpus, folds),
        *_balance(corpus, folds),
        *_published(corpus, corpus_name),
    ]


def _sharing(
    corpus: Dataset, utterances: Sequence[Utterance], folds: Sequence[Fold]
) -> Iterator[Finding]:
    """A shared speaker is an error, unless by the corpus's own split; sessions and
    sentences are given by the corpus."""
    text = {utterance.id: utterance.text for utterance in utterances}
    code: dict[str | None, int] = {None: -1}
    sentences = [code.setdefault(text[name], len(code)) for name in corpus.utterances]
    unknown = unknown_speakers(corpus)
    speakers = np.where(unknown, -1, corpus.speaker)
    validated = any(len(fold.validation) for fold in folds)
    by_split = all(fold.by_split for fold in folds)
    for part in ["train", "validation"] if validated else ["train"]:
        found = _shared("speakers", "error", speakers, folds, part)
        yield _excused(found, corpus, speakers, folds, part) if by_split else found
        yield _shared("sessions", "warning", corpus.session, folds, part)
        yield _shared("sentences", "warning", np.array(sentences), folds, part)
    if unknown.any():
        yield _unknown(unknown, folds)


def _shared(
    what: str, level: str, codes: np.ndarray, folds: Sequence[Fold], part: str
) -> Finding:
    """Counts test utterances whose code, -1 where there is none, is in another part."""
    check = f"{part}_{what}"
    pairs = [(codes[fold.test], codes[getattr(fold, part)]) for fold in folds]
    if not any((test >= 0).any() and (other >= 0).any() for test, other in pairs):
        # Nobody looked, which is no reason to say that all is well.
        text = f"{what} that test and training share: not known, they are not named"
        return Finding(check, "warning", 0, text)
    shared = [((test >= 0) & np.isin(test, other)).sum() for test, other in pairs]
    concerned, count = np.count_nonzero(shared), int(sum(shared))
    tested = sum(len(fold.test) for fold in folds)
    name = {"train": "training", "validation": "validation"}[part]
    text = (
        f"{concerned:,} of {len(folds):,} folds: {what} of the test set are also in "
        f"the {name} set ({count:,} of {tested:,} test utterances)"
    )
    if unknown := int((codes < 0).sum()):
        text += f"; not known of {unknown:,} of {len(codes):,} utterances"
    return Finding(check, level if count else "ok", count, text)


def _unknown(unknown: np.ndarray, folds: Sequence[Fold]) -> Finding:
    """Counts utterances of unknown speakers, who may be anyone."""
    count = int(unknown.sum())
    trained, tested = (
        sum(bool(unknown[getattr(fold, part)].any()) for fold in folds)
        for part in ("train", "test")
    )
    text = (
        f"{count:,} of {len(unknown):,} utterances are of unknown speakers: "
        f"{trained:,} of {len(folds):,} folds train on some, who may be those tested; "
        f"{tested:,} test some, who may be trained on"
    )
    return Finding("unknown_speakers", "warning", count, text)


def _excused(
    found: Finding,
    corpus: Dataset,
    speakers: np.ndarray,
    folds: Sequence[Fold],
    part: str,
) -> Finding:
    """Returns a finding on speakers as that of the corpus's own split, which is to be
    followed, even where its result is not of new speakers."""
    if not found.count:
        return found
    sets = ([getattr(fold, name) for fold in folds] for name in ("test", part))
    tested, others = (np.unique(speakers[np.concatenate(rows)]) for rows in sets)
    tested, others = tested[tested >= 0], others[others >= 0]
    shared = np.intersect1d(tested, others)
    text = (
        f"{found.text}: {len(shared):,} of {len(tested):,} test speakers "
        f"({few(corpus.speakers[code] for code in shared)}); the corpus's own split is "
        "not speaker-independent"
    )
    return found._replace(level="warning", text=text)


def _alike(corpus: Dataset) -> Finding:
    """Finds speakers whose names differ so little that they may be one person, who
    would be trained on and tested."""
    groups = names.alike(corpus.speakers)
    count = sum(map(len, groups))
    text = f"{count:,} of {len(corpus.speakers):,} speakers may be one by their names"
    if groups:
        text += f": {few(' and '.join(map(repr, group)) for group in groups)}"
    return Finding("speakers_alike", "warning" if groups else "ok", count, text)


def _duplicates(corpus: Dataset, folds: Sequence[Fold]) -> Finding:
    """Finds utterances of equal frames: the same samples give the same frames."""
    rows = defaultdict(list)
    for row, digest in enumerate(dataset.digests(corpus)):
        rows[digest].append(row)
    groups = [same for same in rows.values() if len(same) > 1]
    if not groups:
        text = f"no two of {len(corpus.length):,} utterances have the same audio"
        return Finding("duplicate_audio", "ok", 0, text)
    group = np.full(len(corpus.length), -1)
    for code, same in enumerate(groups):
        group[same] = code
    pairs = [(group[fold.test], group[fold.train]) for fold in folds]
    trained = sum(((test >= 0) & np.isin(test, train)).sum() for test, train in pairs)
    tested = sum(len(test) for test, _ in pairs)
    emotions, speakers = (
        sum(len(np.unique(codes[same])) > 1 for same in groups)
        for codes in (corpus.label, corpus.speaker)
    )
    examples = [" = ".join(corpus.utterances[row] for row in same) for same in groups]
    count = sum(map(len, groups))
    text = (
        f"{count:,} utterances have the audio of another: {few(examples, 3)}; "
        f"{trained:,} of {tested:,} test utterances are trained on under another name; "
        f"recordings with several emotions: {emotions:,}, with several speakers: "
        f"{speakers:,}"
    )
    return Finding("duplicate_audio", "warning", count, text)


def _balance(corpus: Dataset, folds: Sequence[Fold]) -> Iterator[Finding]:
    """Finds emotions that the speaker gives away, and tests that lack an emotion."""
    counts = _counts(corpus)
    emotions, speakers = np.array(corpus.emotions), np.array(corpus.speakers)
    single = np.flatnonzero(np.count_nonzero(counts, axis=1) == 1)
    yield _warning(
        "speakers_of_one_emotion",
        [f"{speakers[s]} ({emotions[counts[s].argmax()]})" for s in single],
        f"of {len(speakers):,} speakers with one emotion only",
    )
    single = np.flatnonzero(np.count_nonzero(counts, axis=0) == 1)
    yield _warning(
        "emotions_of_one_speaker",
        [f"{emotions[e]} ({speakers[counts[:, e].argmax()]})" for e in single],
        f"of {len(emotions):,} emotions from one speaker only",
    )
    lacking = []
    for fold in folds:
        absent = np.setdiff1d(np.arange(len(emotions)), corpus.label[fold.test])
        if len(absent):
            lacking.append(f"{fold.held_out} (no {few(emotions[absent])})")
    yield _warning(
        "tests_without_an_emotion",
        lacking,
        f"of {len(folds):,} folds test without some emotion (UA is over the others)",
    )


def _published(corpus: Dataset, corpus_name: str) -> Iterator[Finding]:
    """Compares IEMOCAP, or that part of joined corpora, with published counts."""
    prefix = "iemocap:" if corpus_name != "iemocap" else ""
    counts = {
        name.removeprefix(prefix): dict(zip(corpus.emotions, row, strict=True))
        for name, row in zip(corpus.speakers, _counts(corpus).tolist(), strict=True)
        if name.startswith(prefix)
    }
    if not counts or {*corpus.emotions} != {*iemocap.CLASSES}:
        return
    ours = {name: tuple(of[c] for c in iemocap.CLASSES) for name, of in counts.items()}
    everyone = sorted({*ours, *iemocap.COUNTS})
    differ = [name for name in everyone if ours.get(name) != iemocap.COUNTS.get(name)]
    total, expected = (sum(map(sum, c.values())) for c in (ours, iemocap.COUNTS))
    if differ:
        text = (
            f"{total:,} utterances, where the literature has {expected:,} of angry, "
            f"happy with excited, sad, neutral; {len(differ)} of {len(iemocap.COUNTS)} "
            f"speakers differ: {few(differ, 10)}"
        )
    else:
        text = f"the literature's {total:,} utterances, by speaker and emotion"
    level = "warning" if differ else "ok"
    yield Finding("published_counts", level, len(differ), text)


def _counts(corpus: Dataset) -> np.ndarray:
    """Returns the number of utterances, [speakers, emotions]."""
    counts = np.zeros((len(corpus.speakers), len(corpus.emotions)), int)
    np.add.at(counts, (corpus.speaker, corpus.label), 1)
    return counts


def _warning(check: str, some: Sequence[str], of_all: str) -> Finding:
    text = ": ".join([f"{len(some):,} {of_all}", *([few(some)] if some else [])])
    return Finding(check, "warning" if some else "ok", len(some), text)
