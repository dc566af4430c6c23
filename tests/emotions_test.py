from pathlib import Path

import pytest

from vladser.corpora import audformat, emotions, iemocap
from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def corpus(*spoken):
    """One utterance for each "speaker emotion"."""
    file = Path("a.wav")
    told = [Utterance(f"u{n}", file, *one.split()) for n, one in enumerate(spoken)]
    return Corpus(told, ["a note"])


def test_parse_reads_classes_and_merges():
    groups = emotions.parse("angry,Happy + excited, sad,neutral")
    assert groups == (("angry",), ("happy", "excited"), ("sad",), ("neutral",))


@pytest.mark.parametrize(
    "text", ["", "angry,,sad", "a,b+", "angry,sad,angry", "sad,a+sad", "angry+sad"]
)
def test_parse_refuses(text):
    with pytest.raises(InputError, match="at least two classes and each emotion once"):
        emotions.parse(text)


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
    assert len(chosen.notes) == 2 and chosen.notes[1].endswith(": bored 1")


def test_select_does_without_a_member_but_not_without_a_class():
    given = corpus("x sad", "x happy", "y sad", "y happy", "y sad")
    _, classes = emotions.select(given, emotions.parse("sad,excited+happy"))
    assert classes == ("sad", "excited")
    with pytest.raises(InputError, match=r"emotion calm\+bored: .* sad 3, happy 2"):
        emotions.select(given, emotions.parse("sad,calm+bored"))


def test_select_refuses_a_duplicate_id():
    twice = Corpus(corpus("x sad", "x happy").utterances * 2, [])
    with pytest.raises(InputError, match="u0: 2 times"):
        emotions.select(twice, emotions.parse("sad,happy"))


def test_readers_speak_in_canonical_names():
    for code in {*audformat.EMOTIONS.values(), *iemocap.EMOTIONS.values()}:
        assert code in emotions.CANONICAL
