"""The classes of an experiment: which emotions of a corpus are chosen and merged."""

from collections import Counter, defaultdict
from dataclasses import replace

from vladser.errors import InputError
from vladser.types import Corpus

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

_NAMED = 5  # a note names this many speakers and counts the rest


def parse(text: str) -> tuple[tuple[str, ...], ...]:
    """Reads a choice of emotions such as "angry,happy+excited,sad,neutral".

    Args:
      text: classes separated by commas; emotions joined by + make one class.

    Returns:
      The emotions of each class, in the order given.

    Raises:
      InputError: an empty name, an emotion that comes twice, fewer than two classes.
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
      corpus: as a reader found it.
      groups: the emotions of each class, from `parse`.

    Returns:
      The corpus, its emotions renamed to the first name of their class, with notes on
      speakers that lack classes; and the class names, in the order of `groups`.

    Raises:
      InputError: an id that comes twice, a class without an utterance, fewer than two
        speakers.
    """
    ids = Counter(utterance.id for utterance in corpus.utterances)
    for id, count in ids.items():
        if count > 1:
            raise InputError(f"utterance {id}: {count} times; expected an id once")
    classes = tuple(group[0] for group in groups)
    class_of = {name: group[0] for group in groups for name in group}
    chosen = [
        replace(utterance, emotion=class_of[utterance.emotion])
        for utterance in corpus.utterances
        if utterance.emotion in class_of
    ]
    present = {utterance.emotion for utterance in chosen}
    for group in groups:
        if group[0] not in present:
            counts = Counter(utterance.emotion for utterance in corpus.utterances)
            known = ", ".join(f"{name} {n:,}" for name, n in counts.most_common())
            wanted = "+".join(group)
            raise InputError(f"emotion {wanted}: no utterance; the corpus has {known}")
    spoken = defaultdict(set)
    for utterance in chosen:
        spoken[utterance.speaker].add(utterance.emotion)
    if len(spoken) < 2:
        raise InputError(
            f"one speaker, {next(iter(spoken))}, has all the utterances of "
            f"{', '.join(classes)}; expected at least two speakers"
        )
    return Corpus(chosen, [*corpus.notes, *_lacking(spoken, classes)]), classes


def _lacking(spoken: dict[str, set[str]], classes: tuple[str, ...]) -> list[str]:
    """Notes on speakers without some class: their recalls rest on the others alone."""
    single, some = [], []
    for speaker, emotions in sorted(spoken.items()):
        if len(emotions) == 1:
            single.append(f"{speaker} ({next(iter(emotions))})")
        elif len(emotions) < len(classes):
            missing = [name for name in classes if name not in emotions]
            some.append(f"{speaker} (no {', '.join(missing)})")
    notes = []
    if single:
        notes.append(f"speakers with one class only: {', '.join(single)}")
    if some:
        more = f" and {len(some) - _NAMED:,} more" if len(some) > _NAMED else ""
        notes.append(f"speakers without a class: {', '.join(some[:_NAMED])}{more}")
    return notes
