"""Two corpora as one: trained on the first, tested on the second."""

from dataclasses import replace

from vladser.corpora import emotions
from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def join(train: Corpus, test: Corpus, train_name: str, test_name: str) -> Corpus:
    """Joins two corpora; `folds.make` with hold_out="split" makes one fold of them.

    Ids, speakers and sessions begin with the name of their corpus, "emodb:03a01Fa"; if
    both have one name, with "-train" or "-test" behind it. Sentences begin with the
    name alone: those of one reader mean the same in both corpora. Whatever splits a
    corpus publishes, the first is all "train" and the second all "test".

    Args:
      train, test: the corpora, from their readers.
      train_name, test_name: what they are called.

    Raises:
      InputError: an audio segment is in both.
    """
    heard = {_audio(utterance) for utterance in train.utterances}
    both = [u.file for u in test.utterances if _audio(u) in heard]
    if both:
        raise InputError(
            f"{len(both):,} utterances are in both corpora, such as {both[0]}: what is "
            "tested must not be trained on"
        )
    same = train_name == test_name
    utterances: list[Utterance] = []
    notes: list[str] = []
    for corpus, name, split in (
        (train, train_name, "train"),
        (test, test_name, "test"),
    ):
        prefix = f"{name}-{split}" if same else name
        utterances += (_renamed(u, name, prefix, split) for u in corpus.utterances)
        notes += (f"{prefix}: {note}" for note in corpus.notes)
    return Corpus(utterances, notes)


def check(corpus: Corpus, groups: tuple[tuple[str, ...], ...]) -> None:
    """Refuses classes that one side of a joined corpus lacks.

    Args:
      corpus: from `join`.
      groups: the emotions of each class, from `emotions.parse`.

    Raises:
      InputError: a side has no utterance of a class; names both.
    """
    for split in ("train", "test"):
        side = [u for u in corpus.utterances if u.split == split]
        lack = f"no utterance to {split} on; expected in both corpora, and that one"
        emotions.require(side, groups, lack)


def _audio(utterance: Utterance) -> tuple:
    return utterance.file.resolve(), utterance.start or 0.0, utterance.end


def _renamed(utterance: Utterance, name: str, prefix: str, split: str) -> Utterance:
    def put(before: str, value: str | None) -> str | None:
        return None if value is None else f"{before}:{value}"

    return replace(
        utterance,
        id=f"{prefix}:{utterance.id}",
        speaker=f"{prefix}:{utterance.speaker}",
        session=put(prefix, utterance.session),
        text=put(name, utterance.text),
        split=split,
    )
