"""Two corpora as one: trained on the first, tested on the second."""

from dataclasses import replace
from pathlib import Path

from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance

SPLITS = ("train", "test")


def join(train: Corpus, test: Corpus, train_name: str, test_name: str) -> Corpus:
    """Joins two corpora; `folds.make` with hold_out="split" makes one fold of them.

    Ids, speakers and sessions begin with the name of their corpus, "emodb:03a01Fa"; if
    both have one name, with "-train" or "-test" behind it. Sentences begin with the
    name alone: those of one reader mean the same in both corpora. UNKNOWN speakers stay
    what they are. Whatever splits a corpus publishes, the first is all "train" and the
    second all "test".

    Raises:
      InputError: an audio segment is in both.
    """
    trained_on = set(map(_audio, train.utterances))
    both = [u.file for u in test.utterances if _audio(u) in trained_on]
    if both:
        raise InputError(
            f"{len(both):,} utterances are in both corpora, such as {both[0]}; "
            "expected none, since what is tested must not be trained on"
        )
    joined = Corpus([], [])
    named = zip((train, test), (train_name, test_name), SPLITS, strict=True)
    for corpus, name, split in named:
        prefix = f"{name}-{split}" if train_name == test_name else name
        joined.notes.extend(f"{prefix}: {note}" for note in corpus.notes)
        joined.utterances.extend(
            replace(
                u,
                id=f"{prefix}:{u.id}",
                speaker=UNKNOWN if u.speaker == UNKNOWN else f"{prefix}:{u.speaker}",
                session=u.session and f"{prefix}:{u.session}",
                text=u.text and f"{name}:{u.text}",
                split=split,
            )
            for u in corpus.utterances
        )
    return joined


def _audio(utterance: Utterance) -> tuple[Path, float, float | None]:
    return utterance.file.resolve(), utterance.start or 0.0, utterance.end
