"""Who is held out: the folds of an evaluation that no test speaker leaks into."""

from collections.abc import Iterator

import numpy as np

from vladser.errors import InputError
from vladser.text import few
from vladser.types import UNKNOWN, Dataset, Fold

HOLD_OUT = ("speaker", "session", "split", "none")
VALIDATION = ("none", "partner")
STANDARDIZE = ("train", "speaker")


def make(dataset: Dataset, hold_out: str, validation: str = "none") -> list[Fold]:
    """Returns the folds, in the order of the held-out names.

    Args:
      dataset: what is to be trained on and tested.
      hold_out: "speaker" (leave one speaker out: the paper's protocol; utterances of
        UNKNOWN speakers are always trained on and never tested), "session"
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
            raise InputError(f"expected one of {', '.join(known)}, got {value!r}")
    if validation == "partner" and hold_out != "speaker":
        raise InputError(f"validation=partner needs hold_out=speaker, got {hold_out}")
    if hold_out == "split":
        parts = [_split(dataset)]
    elif hold_out == "none":
        every = np.ones(len(dataset.label), bool)
        parts = [("nobody", every, ~every, ~every)]
    else:
        parts = [*_leave_out(dataset, hold_out, validation)]
    folds = [Fold(name, *map(np.flatnonzero, masks)) for name, *masks in parts]
    for fold in folds:
        if len(np.unique(dataset.label[fold.train])) < 2:
            raise InputError(
                f"holding out {fold.held_out} leaves fewer than two emotions to train"
            )
    return folds


# The name of what is held out, and masks [N] of training, validation and test.
_Parts = tuple[str, np.ndarray, np.ndarray, np.ndarray]


def by_speakers_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Returns which utterances are by a speaker of some rows, [N]: those rows, and all
    others of their speakers. UNKNOWN is no one person, whom others could share."""
    found = np.isin(dataset.speaker, dataset.speaker[rows]) & ~unknown(dataset)
    found[rows] = True
    return found


def unknown(dataset: Dataset) -> np.ndarray:
    """Returns which utterances are by an UNKNOWN speaker, [N]."""
    return np.array([name == UNKNOWN for name in dataset.speakers])[dataset.speaker]


def _leave_out(dataset: Dataset, hold_out: str, validation: str) -> Iterator[_Parts]:
    groups, names = dataset.speaker, dataset.speakers
    if hold_out == "session":
        groups, names = dataset.session, dataset.sessions
        if missing := int((groups < 0).sum()):
            raise InputError(
                f"hold_out=session: {missing} of {len(groups)} utterances have no "
                "session; use hold_out=speaker"
            )
    held_out = [*enumerate(names)]
    if hold_out == "speaker":
        held_out = [(code, name) for code, name in held_out if name != UNKNOWN]
    if not held_out:
        raise InputError(
            f"hold_out=speaker: all speakers are {UNKNOWN!r}; use hold_out=split"
        )
    for code, name in held_out:
        test = groups == code
        # Whoever talks in a session that is tested must not be trained on elsewhere.
        tested = by_speakers_of(dataset, np.flatnonzero(test))
        held = np.zeros_like(test)
        if validation == "partner":
            held = dataset.speaker == _partner(dataset, code)
        yield name, ~tested & ~held, held, test


def _partner(dataset: Dataset, speaker: int) -> int:
    sessions = np.unique(dataset.session[dataset.speaker == speaker])
    inside = np.isin(dataset.session, sessions) & ~unknown(dataset)
    together = np.unique(dataset.speaker[inside])
    if len(sessions) != 1 or sessions[0] < 0 or len(together) != 2:
        named = *dataset.sessions, "no session"
        names = few(named[code] for code in sessions)
        raise InputError(
            f"validation=partner: expected speaker {dataset.speakers[speaker]} in one "
            f"session of 2, got {names} of {len(together)}; use validation=none"
        )
    return int(together[together != speaker][0])


def _split(dataset: Dataset) -> _Parts:
    train, held, test = (dataset.split == s for s in ("train", "validation", "test"))
    if not train.any() or not test.any():
        raise InputError(
            "hold_out=split: the corpus names no utterances of split "
            f"{'test' if train.any() else 'train'}; use hold_out=speaker"
        )
    known = ~unknown(dataset)
    seen = dataset.speaker[(train | held) & known]
    shared = np.intersect1d(dataset.speaker[test & known], seen)
    if len(shared):
        names = few(dataset.speakers[code] for code in shared)
        raise InputError(
            f"hold_out=split: {len(shared)} speakers are both trained on and tested "
            f"({names}): the result would not be speaker-independent"
        )
    return "test", train, held, test
