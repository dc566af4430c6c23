"""A split of a corpus by lists of its speakers."""

from pathlib import Path

import pytest

from vladser.corpora import by_speaker
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

SPEAKERS = ("anna", "ben", "carl", "Ses01F")
CORPUS = Corpus(
    [
        Utterance(f"{speaker}_{take}", Path(), speaker, "sad", split="test")
        for speaker in SPEAKERS
        for take in range(2)
    ],
    ["a note"],
)


def test_whoever_is_not_named_is_trained_on_whatever_the_corpus_publishes():
    named = by_speaker.split(CORPUS, ["ben"], ["Ses01F"])
    assert named.notes == CORPUS.notes
    assert [u.id for u in named.utterances] == [u.id for u in CORPUS.utterances]
    splits = ["train", "test", "train", "validation"]
    assert [u.split for u in named.utterances[::2]] == splits
    assert [u.split for u in named.utterances[1::2]] == splits
    alone = by_speaker.split(CORPUS, SPEAKERS[1:])
    assert [u.split for u in alone.utterances[::2]] == ["train", *3 * ["test"]]


@pytest.mark.fault("protocol")
@pytest.mark.parametrize(
    ("test", "validation", "says"),
    [
        (["bem"], ["carl"], "'bem': no speaker of .* has 4: did you mean ben[?]"),
        (["ben", "ses01f"], [], "'ses01f': no speaker .*: did you mean Ses01F[?]"),
        (["ben"], ["Unknown"], "'Unknown' may be anyone: expected names of speakers"),
        (SPEAKERS[1:], SPEAKERS[:1], "all 4 speakers .* named: expected some to train"),
        (["ben"], ["x", "y"], "'x', 'y': no speaker .* 4: Ses01F, anna, ben, carl"),
    ],
)
def test_names_that_make_no_split_are_refused_with_close_ones(test, validation, says):
    with pytest.raises(InputError, match=says):
        by_speaker.split(CORPUS, test, validation)
