"""Who is held out: the folds of an evaluation."""

from collections.abc import Iterable, Iterator

import numpy as np

from vladser.errors import InputError
from vladser.text import few
from vladser.types import UNKNOWN, Dataset, Fold

HOLD_OUT = ("speaker", "session", "split", "none")
VALIDATION = ("none", "partner", "split")
STANDARDIZE = ("train", "speaker")


def make(dataset: Dataset, hold_out: str, validation: str = "none") -> list[Fold]:
    """Returns the folds, in the order of the held-out names.

    Args:
      dataset: what is to be trained on and tested.
      hold_out: "speaker" (leave one speaker out: the paper's protocol; utterances of
        UNKNOWN speakers are always trained on and never tested), "session"
        (leave all speakers of a session out), "split" (the corpus's own: one fold, all
        test parts together), or "none" (one fold that trains on all and tests nothing).
      validation: "none"; "partner": the other speaker of the held-out speaker's
        session, who is left out of training too; or "split": the validation part of
        the corpus's own split, which is used for nothing otherwise.

    Raises:
      InputError: the corpus lacks the sessions or splits that are asked for, or a fold
        would have nothing to train on.
    """
    for value, known in ((hold_out, HOLD_OUT), (validation, VALIDATION)):
        if value not in known:
            raise InputError(f"expected one of {', '.join(known)}, got {value!r}")
    needed = {"partner": "speaker", "split": "split"}.get(validation, hold_out)
    if hold_out != needed:
        said = f"validation={validation} needs hold_out={needed}"
        raise InputError(f"{said}, got {hold_out}")
    every = np.ones(len(dataset.label), bool)
    parts: Iterable[_Parts] = [("nobody", every, ~every, ~every)]
    if hold_out == "split":
        parts = [_split(dataset, validation)]
    elif hold_out != "none":
        parts = _leave_out(dataset, hold_out, validation)
    folds = []
    for name, *masks in parts:
        # Of thousands of speakers, each with the others' utterances: 32 bits are a lot.
        train, held, test = (np.flatnonzero(mask).astype(np.int32) for mask in masks)
        folds.append(Fold(name, train, held, test, hold_out == "split"))
        if np.count_nonzero(np.bincount(dataset.label[train])) < 2:
            raise InputError(
                f"holding out {name} leaves fewer than two emotions to train"
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


def _split(dataset: Dataset, validation: str) -> _Parts:
    split = dataset.split
    train, test = split == "train", np.char.startswith(split, "test")
    held = (split == "validation") & (validation == "split")
    needed = [("train", train, "hold_out=speaker"), ("test", test, "hold_out=speaker")]
    if validation == "split":
        needed.append(("validation", held, "validation=none"))
    for name, mask, instead in needed:
        if not mask.any():
            raise InputError(
                f"hold_out=split: the corpus names no utterances of split {name}; "
                f"use {instead}"
            )
    return "+".join(np.unique(split[test])), train, held, test


def by_part(dataset: Dataset, fold: Fold) -> list[Fold]:
    """Returns a fold of the corpus's own split once for each part that it tests, which
    then is what is held out; any other fold as it is."""
    if not fold.by_split:
        return [fold]
    split = dataset.split[fold.test]
    return [
        fold._replace(held_out=part, test=fold.test[split == part])
        for part in np.unique(split).tolist()
    ]


def shared_speakers(dataset: Dataset, fold: Fold) -> np.ndarray:
    """Returns the codes of the speakers who are tested, and trained or validated on, as
    far as they are known."""
    speaker = np.where(unknown(dataset), -1, dataset.speaker)
    seen = np.concatenate([fold.train, fold.validation])
    shared = np.intersect1d(speaker[fold.test], speaker[seen])
    return shared[shared >= 0]


def hidden(dataset: Dataset, fold: Fold) -> np.ndarray:
    """Returns which utterances a training of a fold may not see, [N]: all of whoever is
    tested. Of speakers whom the corpus's own split both trains on and tests, these are
    the tested utterances alone."""
    hidden = by_speakers_of(dataset, fold.test)
    if fold.by_split:
        hidden &= ~np.isin(dataset.speaker, shared_speakers(dataset, fold))
        hidden[fold.test] = True
    return hidden
