"""The classes of an experiment: which emotions of a corpus are chosen and merged."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from vladser.errors import InputError
from vladser.types import Corpus, Utterance

CANONICAL = (
    "angry",
    "happy",
    "excited",
    "sad",
    "neutral",
    "fearful",
    "disgusted",
    "surprised",
    "bored",
    "calm",
    "frustrated",
)
"""The names that readers of published corpora use; a manifest may use others."""


def parse(text: str) -> tuple[tuple[str, ...], ...]:
    """Reads a choice of emotions such as "angry,happy+excited,sad,neutral".

    Args:
      text: classes separated by commas; emotions joined by + make one class.

    Returns:
      The emotions of each class, in the order given.

    Raises:
      InputError: an empty name, a repeated emotion, fewer than two classes.
    """
    groups = tuple(
        tuple(name.strip().lower() for name in group.split("+"))
        for group in text.split(",")
    )
    names = [name for group in groups for name in group]
    for name in names:
        if not name:
            raise InputError(
                f"emotions {text!r}: an empty name; "
                "expected such as angry,happy+excited,sad,neutral"
            )
        if names.count(name) > 1:
            raise InputError(f"emotions {text!r}: {name} comes twice; expected once")
    if len(groups) < 2:
        raise InputError(f"emotions {text!r}: one class; expected at least two")
    return groups


def select(
    corpus: Corpus, groups: tuple[tuple[str, ...], ...]
) -> tuple[Corpus, tuple[str, ...]]:
    """Keeps the utterances of the chosen emotions.

    Args:
      corpus: from a reader.
      groups: the emotions of each class, from `parse`.

    Returns:
      The corpus, its emotions renamed to the first name of their class; and the class
      names, in the order of `groups`.

    Raises:
      InputError: a repeated id, a class without an utterance, fewer than two speakers.
    """
    ids = Counter(utterance.id for utterance in corpus.utterances)
    for id, count in ids.items():
        if count > 1:
            raise InputError(f"utterance {id}: {count} times; expected an id once")
    require(corpus.utterances, groups, "no utterance; the corpus")
    class_of = {name: group[0] for group in groups for name in group}
    chosen = [
        replace(utterance, emotion=class_of[utterance.emotion])
        for utterance in corpus.utterances
        if utterance.emotion in class_of
    ]
    classes = tuple(group[0] for group in groups)
    speakers = {utterance.speaker for utterance in chosen}
    if len(speakers) < 2:
        raise InputError(
            f"one speaker, {speakers.pop()}, has all the utterances of "
            f"{', '.join(classes)}; expected at least two speakers"
        )
    return Corpus(chosen, corpus.notes), classes


def require(
    utterances: Iterable[Utterance], groups: tuple[tuple[str, ...], ...], lack: str
) -> None:
    """Raises InputError unless each class has an utterance.

    Args:
      groups: the emotions of each class.
      lack: what the error says, before the emotions that there are.
    """
    counts = Counter(utterance.emotion for utterance in utterances)
    for group in groups:
        if not any(counts[emotion] for emotion in group):
            known = ", ".join(f"{name} {n:,}" for name, n in counts.most_common())
            raise InputError(f"emotion {'+'.join(group)}: {lack} has {known}")
