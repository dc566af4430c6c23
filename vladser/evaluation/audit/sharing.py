"""Who and what the test set of a fold shares with its other parts."""

from collections.abc import Iterator, Sequence

import numpy as np

from vladser.evaluation.audit.finding import Finding
from vladser.types import Dataset, Fold, Utterance


def findings(
    corpus: Dataset, utterances: Sequence[Utterance], folds: Sequence[Fold]
) -> Iterator[Finding]:
    """Speakers, sessions and sentences of test utterances that the training set, or the
    validation set, has too. Speakers are an error, the others a warning: they are
    given by the corpus, and make it easier to be right."""
    text = {utterance.id: utterance.text for utterance in utterances}
    sentences = _codes([text[name] for name in corpus.utterances])
    parts = ["train"]
    if any(len(fold.validation) for fold in folds):
        parts.append("validation")
    for part in parts:
        yield _shared("speakers", "error", corpus.speaker, folds, part)
        yield _shared("sessions", "warning", corpus.session, folds, part)
        yield _shared("sentences", "warning", sentences, folds, part)


def _codes(texts: Sequence[str | None]) -> np.ndarray:
    """[N] a number for each text; -1 where there is none."""
    some = sorted({text for text in texts if text is not None})
    known = {text: code for code, text in enumerate(some)}
    return np.array([-1 if text is None else known[text] for text in texts])


def _shared(
    what: str, level: str, codes: np.ndarray, folds: Sequence[Fold], part: str
) -> Finding:
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
