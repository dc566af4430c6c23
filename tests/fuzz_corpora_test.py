"""Readers of corpora, given what is nearly right: utterances, or one line."""

import math
import unicodedata
from pathlib import Path

import iemocap_test
import pytest
from fuzzing import cases, refused
from hypothesis import given
from hypothesis import strategies as st

from vladser.corpora import manifest, readers

pytestmark = pytest.mark.fault("labels")


def read(corpus, folder):
    """The utterances, which make sense; none where the reader refuses."""
    utterances, notes = refused(readers.read, corpus, folder) or ([], [])
    ids = [u.id for u in utterances]
    assert ids == sorted(set(ids))
    assert all(len(note.splitlines()) == 1 for note in notes)
    for u in utterances:
        assert isinstance(u.file, Path) and u.speaker and u.emotion
        for time in u.start, u.end:
            assert time is None or (time >= 0 and math.isfinite(time))
        assert u.end is None or (u.start or 0) < u.end
        for name in u.id, str(u.file), u.speaker, u.emotion, u.session or "":
            assert not {unicodedata.category(letter) for letter in name} & {"Cc", "Cs"}
    return utterances


TIMES = [*[""] * 9, "0", "-0.0", "1", "1e308", "1_0", "1e-320", "1e400", "nan"]
LETTERS = ["\0", "a\nb", "a\u2028b", '""', ",", "\ufeff", " \xa0", "9" * 5000]
ODD = st.sampled_from([*LETTERS, "a.wav#0.0-1.0"]) | st.text(max_size=8)
CELLS = {  # what is right in a column
    "file": ["a.wav", "b/ä.wav", "c.wav", "d.wav", "a.wav#-1.0"],
    "speaker": ["x", "Zoë"],
    "emotion": ["sad", "Angry"],
    "session": ["", "one"],
    "text": ["", "one"],
    "start": TIMES,
    "end": TIMES,
    "split": ["", "train", "test"],
    "activation": ["", "1", "2.5"],
    "valence": ["", "5"],
}
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])


@st.composite
def manifests(draw):
    """A few lines, quoted, and one odd thing in them or none."""
    columns = draw(st.permutations(manifest.COLUMNS))
    right = st.tuples(*(st.sampled_from(CELLS[name]) for name in columns)).map(list)
    table = [[*columns], *draw(st.lists(right, min_size=1, max_size=3))]
    if draw(st.booleans()):
        cells = draw(st.sampled_from(table))
        cells[draw(st.integers(0, len(columns) - 1))] = draw(ODD)
    lines = [",".join(f'"{cell}"' for cell in cells) for cells in table]
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)


@cases(60)
@given(manifests(), st.just("utf-8") | ENCODINGS)
def test_manifests(tmp_path_factory, text, encoding):
    file = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    file.write_bytes(text.encode(encoding, "replace"))
    read("manifest", file)


TURNS = ("Ses01F_impro01_F000", "Ses01F_impro01_M000", "Ses01F_impro01_F001")
ANY = st.text(max_size=8)
TIME = st.sampled_from(["[1.0 - 2.0]"] * 3 + ["[ 1 -2]", "[1 - ", "[", "% [1 - 2]"])
NAME = st.sampled_from([*TURNS * 3, "Ses0\u0661F_impro01_F000", "Ses01F"]) | ANY
CODE = st.sampled_from(["ang"] * 5 + ["exc", "xxx", "zzz", "ANG"])
REST = st.sampled_from(["[2.5, 2.5, 2.5]", "", "\0", "\x0c[1 - 2]"])
LABEL_LINES = st.tuples(TIME, NAME, CODE, REST).map("\t".join) | ANY


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """The file of the labels of a release."""
    folder = tmp_path_factory.mktemp("release")
    iemocap_test.write(folder, dict.fromkeys(TURNS, "ang"))
    return folder / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"


@cases(40)
@given(st.lists(LABEL_LINES, max_size=6), ENCODINGS)
def test_iemocap_labels(labels, lines, encoding):
    labels.write_bytes("\n".join(lines).encode(encoding, "replace"))
    for u in read("iemocap", labels.parents[3]):
        assert u.id in TURNS
        assert u.speaker == f"Ses01{u.id.split('_')[-1][0]}" and u.session == "Ses01"
        label = {"angry": "ang", "excited": "exc"}[u.emotion]
        assert any(u.id in line and label in line for line in lines)
