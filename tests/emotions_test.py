from importlib import import_module
from pathlib import Path

import pytest

from vladser.corpora import emotions, readers
from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def corpus(*spoken):
    """One utterance for each "speaker emotion"."""
    return Corpus(
        [
            Utterance(f"u{n}", Path(f"{n}.wav"), *one.split())
            for n, one in enumerate(spoken)
        ],
        ["a note"],
    )


def test_parse_reads_classes_and_merges():
    groups = emotions.parse("angry,Happy + excited, sad,neutral")
    assert groups == (("angry",), ("happy", "excited"), ("sad",), ("neutral",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty name"),
        ("angry,,sad", "empty name"),
        ("angry,happy+", "empty name"),
        ("angry,sad,angry", "angry comes twice"),
        ("angry,sad+angry", "angry comes twice"),
        ("angry+sad", "at least two"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(InputError, match=message) as error:
        emotions.parse(text)
    assert repr(text) in str(error.value)


def test_select_keeps_and_merges_under_the_first_name():
    given = corpus("x sad", "x bored", "x excited", "y happy", "y sad")
    chosen, classes = emotions.select(given, emotions.parse("sad,happy+excited"))
    assert classes == ("sad", "happy")
    kept = [(u.id, u.speaker, u.emotion) for u in chosen.utterances]
    assert kept == [
        ("u0", "x", "sad"),
        ("u2", "x", "happy"),
        ("u3", "y", "happy"),
        ("u4", "y", "sad"),
    ]
    assert chosen.notes == ["a note"]


def test_select_does_without_a_member_but_not_without_a_class():
    given = corpus("x sad", "x happy", "y sad", "y happy", "y sad")
    _, classes = emotions.select(given, emotions.parse("sad,excited+happy"))
    assert classes == ("sad", "excited")
    with pytest.raises(InputError, match=r"emotion calm\+bored: .* sad 3, happy 2"):
        emotions.select(given, emotions.parse("sad,calm+bored"))


def test_select_refuses_a_duplicate_id_and_a_single_speaker():
    given = corpus("x sad", "x happy", "y bored")
    groups = emotions.parse("sad,happy")
    with pytest.raises(InputError, match="one speaker, x"):
        emotions.select(given, groups)
    twice = Corpus(given.utterances * 2, [])
    with pytest.raises(InputError, match="u0: 2 times"):
        emotions.select(twice, groups)


@pytest.mark.parametrize("name", sorted({*readers.names()} - {"demo", "manifest"}))
def test_readers_speak_in_canonical_names(name):
    reader = import_module(f"vladser.corpora.{name}")
    assert set(reader.EMOTIONS.values()) <= set(emotions.CANONICAL)
