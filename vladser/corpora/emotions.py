"""The classes of an experiment: which emotions of a corpus are chosen and merged.

Readers of published corpora use the names of CANONICAL; others may use any name.
"""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vladser.corpora import names
from vladser.errors import InputError
from vladser.text import few
from vladser.types import Corpus

CANONICAL = (
    *("amused", "angry", "bored", "calm", "contemptuous", "disgusted", "excited"),
    *("fearful", "frustrated", "happy", "neutral", "sad", "sleepy", "surprised"),
)
_CLOSE = 0.45  # of difflib's ratio: happiness and happy have 0.57, calm and sad 0.29


def parse(text: str) -> tuple[tuple[str, ...], ...]:
    """Parses classes such as "angry,happy+excited,sad,neutral"; + merges emotions.

    Returns:
      The emotions of each class, in the order given.

    Raises:
      InputError: an empty name, a repeated emotion, fewer than two classes.
    """
    groups = tuple(
        tuple(names.normalize(name).lower() for name in group.split("+"))
        for group in text.split(",")
    )
    every = [name for group in groups for name in group]
    if len(groups) < 2 or not all(every) or len({*every}) < len(every):
        raise InputError(
            f"emotions {text!r}; expected at least two classes and each emotion once, "
            "such as angry,happy+excited,sad,neutral"
        )
    return groups


def select(
    corpus: Corpus,
    groups: tuple[tuple[str, ...], ...],
    splits: Sequence[str] = (),
) -> tuple[Corpus, tuple[str, ...]]:
    """Keeps the utterances of the chosen emotions.

    Args:
      corpus: from a reader.
      groups: the emotions of each class, from `parse`.
      splits: each of which needs every class, such as both of `cross.SPLITS`.

    Returns:
      The corpus, its emotions renamed to the first name of their class, with a note on
      what was left out; and the class names, in the order of `groups`.

    Raises:
      InputError: a repeated id, or a class without an utterance.
    """
    ids = Counter(utterance.id for utterance in corpus.utterances)
    for id, count in ids.items():
        if count > 1:
            raise InputError(f"utterance {id}: {count} times; expected an id once")
    for split in splits or [""]:
        counts = Counter(u.emotion for u in corpus.utterances if split in ("", u.split))
        for group in groups:
            if not any(counts[emotion] for emotion in group):
                known = few((f"{name} {n:,}" for name, n in counts.most_common()), 12)
                lack = f"no utterance to {split} on" if split else "no utterance"
                name = "+".join(group)
                raise InputError(f"emotion {name}: {lack}; there are {known}")
    class_of = {name: group[0] for group in groups for name in group}
    chosen = [
        replace(utterance, emotion=class_of[utterance.emotion])
        for utterance in corpus.utterances
        if utterance.emotion in class_of
    ]
    others = (u.emotion for u in corpus.utterances if u.emotion not in class_of)
    notes = [*corpus.notes, *_left_out(others, class_of)]
    return Corpus(chosen, notes), tuple(group[0] for group in groups)


def _left_out(others: Iterable[str], chosen: Iterable[str]) -> list[str]:
    """Returns a note on the emotions that are not chosen, and on those that may be a
    chosen one by another name."""
    likely, clear = [], []
    for name, count in Counter(others).most_common():
        close = difflib.get_close_matches(name, chosen, 1, _CLOSE)
        if close and name not in CANONICAL:
            likely.append(f"{name} {count:,} (is that {close[0]}?)")
        else:
            clear.append(f"{name} {count:,}")
    if not likely and not clear:
        return []
    listed = few([*likely, *clear], 12)  # the questions first, to be read
    return [f"left out, since not among the chosen emotions: {listed}"]
