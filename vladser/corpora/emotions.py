"""The classes of an experiment: which emotions of a corpus are chosen and merged.

Readers of published corpora call them angry, bored, calm, disgusted, excited, fearful,
frustrated, happy, neutral, sad and surprised; other readers may use other names.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from vladser.errors import InputError
from vladser.types import Corpus


def parse(text: str) -> tuple[tuple[str, ...], ...]:
    """Parses classes such as "angry,happy+excited,sad,neutral"; + merges emotions.

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
    if len(groups) < 2 or not all(names) or len({*names}) < len(names):
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
      The corpus, its emotions renamed to the first of their class; and the classes.

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
                known = ", ".join(f"{name} {n:,}" for name, n in counts.most_common())
                lack = f"no utterance to {split} on" if split else "no utterance"
                name = "+".join(group)
                raise InputError(f"emotion {name}: {lack}; there are {known}")
    class_of = {name: group[0] for group in groups for name in group}
    chosen = [
        replace(utterance, emotion=class_of[utterance.emotion])
        for utterance in corpus.utterances
        if utterance.emotion in class_of
    ]
    return Corpus(chosen, corpus.notes), tuple(group[0] for group in groups)
