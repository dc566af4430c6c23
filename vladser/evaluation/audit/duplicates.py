"""The same recording under several names."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from vladser.evaluation.audit.finding import Finding, names
from vladser.types import Dataset, Fold


def finding(corpus: Dataset, folds: Sequence[Fold]) -> Finding:
    """Utterances that have each frame alike: the same samples give the same frames."""
    groups = _groups(corpus)
    if not groups:
        text = f"no two of {len(corpus.length):,} utterances have the same audio"
        return Finding("duplicate_audio", "ok", 0, text)
    group = np.full(len(corpus.length), -1)
    for code, rows in enumerate(groups):
        group[rows] = code
    trained = tested = 0
    for fold in folds:
        same = group[fold.test]
        tested += len(same)
        trained += int(((same >= 0) & np.isin(same, group[fold.train])).sum())
    emotions, speakers = (
        sum(len(np.unique(codes[rows])) > 1 for rows in groups)
        for codes in (corpus.label, corpus.speaker)
    )
    examples = [" = ".join(corpus.utterances[row] for row in rows) for rows in groups]
    count = sum(map(len, groups))
    text = (
        f"{count:,} utterances have the audio of another: {names(examples, 3)}; "
        f"{trained:,} of {tested:,} test utterances are trained on under another name; "
        f"recordings with several emotions: {emotions:,}, with several speakers: "
        f"{speakers:,}"
    )
    return Finding("duplicate_audio", "warning", count, text)


def _groups(corpus: Dataset) -> list[list[int]]:
    """Rows of equal frames, where there are two or more."""
    # Few utterances of one length are alike in the middle: only those are read whole.
    middle = corpus.frames[corpus.offset + corpus.length // 2]
    rows = range(len(corpus.length))
    similar = _alike(rows, lambda row: (corpus.length[row], middle[row].tobytes()))
    return [
        same
        for some in similar
        for same in _alike(some, lambda row: _digest(corpus, row))
    ]


def _alike(rows: Iterable[int], key) -> list[list[int]]:
    found = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return [same for same in found.values() if len(same) > 1]


def _digest(corpus: Dataset, row: int) -> bytes:
    start = corpus.offset[row]
    frames = corpus.frames[start : start + corpus.length[row]]
    return hashlib.sha256(np.ascontiguousarray(frames).data).digest()
