"""Who is held out: the folds of an evaluation that no test speaker leaks into."""

import numpy as np

from vladser.errors import InputError
from vladser.types import Dataset, Fold

HOLD_OUT = ("speaker", "session", "split", "none")
VALIDATION = ("none", "partner")


def make(dataset: Dataset, hold_out: str, validation: str = "none") -> list[Fold]:
    """The folds, in the order of the held-out names.

    Args:
      hold_out: "speaker" (leave one speaker out: the paper's protocol), "session"
        (leave all speakers of a session out), "split" (the corpus's own: one fold), or
        "none" (one fold that trains on all and tests nothing).
      validation: "none", or "partner": the other speaker of the held-out speaker's
        session, who is left out of training too.

    Raises:
      InputError: the corpus lacks the sessions or splits that are asked for, or a fold
        would have nothing to train on.
    """
    for value, known in ((hold_out, HOLD_OUT), (validation, VALIDATION)):
        if value not in known:
            raise InputError(f"unknown {value!r}: one of {', '.join(known)}")
    if validation == "partner" and hold_out != "speaker":
        raise InputError(
            f"validation=partner needs hold_out=speaker, not {hold_out}: the partner "
            "is the other speaker of the held-out speaker's session"
        )
    made = {
        "speaker": _speakers,
        "session": _sessions,
        "split": _split,
        "none": _nobody,
    }
    folds = made[hold_out](dataset, validation)
    for fold in folds:
        if not len(fold.train) or len(np.unique(dataset.label[fold.train])) < 2:
            raise InputError(
                f"holding out {fold.held_out} leaves fewer than two emotions to train"
            )
    return folds


def _speakers(dataset: Dataset, validation: str) -> list[Fold]:
    folds = []
    for code, name in enumerate(dataset.speakers):
        test = dataset.speaker == code
        partner = np.zeros_like(test)
        if validation == "partner":
            partner = dataset.speaker == _partner(dataset, code)
        folds.append(_fold(name, ~test & ~partner, partner, test))
    return folds


def _partner(dataset: Dataset, speaker: int) -> int:
    name = dataset.speakers[speaker]
    sessions = np.unique(dataset.session[dataset.speaker == speaker])
    if len(sessions) != 1 or sessions[0] < 0:
        raise InputError(
            f"validation=partner: speaker {name} belongs to no single session; "
            "use validation=none"
        )
    together = np.unique(dataset.speaker[dataset.session == sessions[0]])
    if len(together) != 2:
        raise InputError(
            f"validation=partner: session {dataset.sessions[sessions[0]]} of speaker "
            f"{name} has {len(together)} speakers, not 2; use validation=none"
        )
    return int(together[together != speaker][0])


def _sessions(dataset: Dataset, validation: str) -> list[Fold]:
    if not dataset.sessions or (dataset.session < 0).any():
        missing = int((dataset.session < 0).sum())
        raise InputError(
            f"hold_out=session: {missing} of {len(dataset.session)} utterances have no "
            "session; use hold_out=speaker"
        )
    folds = []
    for code, name in enumerate(dataset.sessions):
        # Whoever talks in this session is tested, and wherever else they talk they
        # must not be trained on.
        test = dataset.session == code
        seen = np.isin(dataset.speaker, dataset.speaker[test])
        folds.append(_fold(name, ~seen, np.zeros_like(test), test))
    return folds


def _split(dataset: Dataset, validation: str) -> list[Fold]:
    train, held, test = (dataset.split == s for s in ("train", "validation", "test"))
    if not train.any() or not test.any():
        raise InputError(
            "hold_out=split: the corpus names no utterances of split "
            f"{'test' if train.any() else 'train'}; use hold_out=speaker"
        )
    shared = np.intersect1d(dataset.speaker[test], dataset.speaker[train | held])
    if len(shared):
        names = ", ".join(dataset.speakers[code] for code in shared[:5])
        raise InputError(
            f"hold_out=split: {len(shared)} speakers are both trained on and tested "
            f"({names}): the result would not be speaker-independent"
        )
    return [_fold("test", train, held, test)]


def _nobody(dataset: Dataset, validation: str) -> list[Fold]:
    every = np.ones(len(dataset.label), bool)
    return [_fold("nobody", every, ~every, ~every)]


def _fold(name: str, train, validation, test) -> Fold:
    return Fold(name, *(np.flatnonzero(part) for part in (train, validation, test)))
