"""Corpora labelled by file names, against names from their published descriptions."""

import os
from collections import Counter
from pathlib import Path

import pytest
from trees import tree

from vladser.corpora import readers
from vladser.errors import InputError

PUBLISHED = {  # codes of emotions, and files that say one at {}, speaker and text
    "aesdd": (
        "a angry d disgusted f fearful h happy s sad",
        ("anger/{}03 (3).wav", "3", "03"),
        ("{}20 (5).wav", "5", "20"),
    ),
    "cremad": (
        "ANG angry DIS disgusted FEA fearful HAP happy NEU neutral SAD sad",
        ("AudioWAV/1001_DFA_{}_XX.wav", "1001", "DFA"),
        ("1040_ITH_{}_X.wav", "1040", "ITH"),
        ("1091_IEO_{}_LO.wav", "1091", "IEO"),
    ),
    "emodb": (
        "W angry L bored E disgusted A fearful F happy T sad N neutral",
        ("wav/03a01{}a.wav", "03", "a01"),
        ("16b10{}.wav", "16", "b10"),
    ),
    "emovo": (
        "dis disgusted gio happy neu neutral pau fearful rab angry sor surprised "
        "tri sad",
        ("EMOVO/f1/{}-f2-b2.wav", "f2", "b2"),  # the name counts
        ("m3/{}-m3-d1.wav", "m3", "d1"),
    ),
    "nemo": (
        "anger angry fear fearful happiness happy neutral neutral sadness sad "
        "surprised surprised",
        ("nEMO-main/samples/EB0_{}_1.wav", "EB0", "1"),
        ("samples/WR0_{}_64.wav", "WR0", "64"),
    ),
    "ravdess": (
        "01 neutral 02 calm 03 happy 04 sad 05 angry 06 fearful 07 disgusted "
        "08 surprised",
        ("Actor_12/03-01-{}-01-02-01-12.wav", "12", "02"),
        ("A/Actor_24/03-01-{}-02-01-02-24.WAV", "24", "01"),
    ),
    "savee": (
        "a angry d disgusted f fearful h happy n neutral sa sad su surprised",
        ("AudioData/DC/{}01.wav", "DC", None),
        ("ALL/KL_{}02.wav", "KL", None),
    ),
    "shemo": (
        "A angry F fearful H happy N neutral S sad W surprised",
        ("male/M36{}02.wav", "M36", None),
        ("female/F36{}02.wav", "F36", None),
    ),
    "subesco": (
        "ANGRY angry DISGUST disgusted FEAR fearful HAPPY happy NEUTRAL neutral "
        "SAD sad SURPRISE surprised",
        ("SUBESCO/F_10_FAHMEE_S_6_{}_5.wav", "F_10", "6"),
        ("M_10_NIPUN_S_10_{}_1.wav", "M_10", "10"),
    ),
    "tess": (
        "angry angry disgust disgusted fear fearful happy happy neutral neutral "
        "ps surprised sad sad",
        ("OAF_angry/OAF_back_{}.wav", "OAF", "back"),
        ("YAF_pleasant_surprised/YAF_dog_{}.wav", "YAF", "dog"),
        ("OAF_neutral/OA_bite_{}.wav", "OAF", "bite"),
    ),
}


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_reads_published_names(tmp_path, corpus):
    codes, *files = PUBLISHED[corpus]
    rows = {
        file.format(code): (speaker, emotion, text)
        for code, emotion in zip(codes.split()[::2], codes.split()[1::2], strict=True)
        for file, speaker, text in files
    }
    utterances, notes = readers.read(corpus, tree(tmp_path, *rows))
    assert {u.file: (u.speaker, u.emotion, u.text) for u in utterances} == {
        tmp_path / file: row for file, row in rows.items()
    }
    ids = [u.id for u in utterances]
    assert ids == sorted(set(ids)) and not notes
    assert not any(str(tmp_path) in id for id in ids)


@pytest.mark.parametrize("corpus", PUBLISHED)
def test_says_what_a_wrong_folder_should_hold(tmp_path, corpus):
    tree(tmp_path, "notes.txt", "some.wav", "._03a01Fa.wav", ".x/03a01Fa.wav")
    with pytest.raises(InputError, match=r"expected .* such as .*wav") as error:
        readers.read(corpus, tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("corpus", "taken", "left_out"),
    [
        ("ravdess", "03-01-05-01-01-01-01", "03-02-05-01-01-01-01"),  # a song
        ("ravdess", "03-01-05-01-01-01-01", "01-01-05-01-01-01-01"),  # of a video
        ("ravdess", "03-01-05-01-01-01-01", "03-01-05-01-01-01-0\u0663"),
        ("tess", "a/YAF_dog_sad", "a/a/YAF_dog_sad"),  # a copy
        ("tess", "YAF_dog_sad", "YAF_d\u00f6g_sad"),
        ("cremad", "1001_DFA_ANG_XX", "1001_DFA_ANG_XXX"),
        ("emodb", "03a01Fa", "03a01F a"),
        ("emodb", "03a01Fa", "03a01Fa\n"),
        ("nemo", "WR0_fear_64", "WR0_fear_641"),
        ("aesdd", "a03 (3)", "b03 (3)"),
        ("emovo", "gio-f2-b2", "gio-f2-b2-x"),
        ("shemo", "M36S02", "X36S02"),
        ("subesco", "F_10_FAHMEE_S_6_FEAR_5", "F_10_FAHMEE_S_6_BORED_5"),
        ("savee", "DC_a01", "DE_a01"),
        ("savee", "DC_a01", "\udcffDC_a01"),
    ],
)
def test_strangers_and_copies_are_left_out_and_noted(tmp_path, corpus, taken, left_out):
    tree(tmp_path, f"{taken}.wav", f"{left_out}.wav", f"._{taken[:2]}.wav")
    utterances, (note,) = readers.read(corpus, tmp_path)
    assert [u.file for u in utterances] == [tmp_path / f"{taken}.wav"]
    assert ": 1 (such as " in note and len(note.splitlines()) == 1


def test_savee_layouts_have_the_same_ids(tmp_path):
    read = []
    for layout in "AudioData/DC/sa01.wav", "DC_sa01.wav":
        tree(tmp_path / layout[:3], layout)
        read += readers.read("savee", tmp_path / layout[:3]).utterances
    assert [u.id for u in read] == ["DC_sa01", "DC_sa01"]


@pytest.mark.skipif("VLADSER_EMODB" not in os.environ, reason="needs EMO-DB")
def test_the_real_emodb_has_the_published_counts():
    """Those of Burkhardt et al. (2005); VLADSER_EMODB is the folder that holds wav/."""
    folder = Path(os.environ["VLADSER_EMODB"])
    utterances, notes = readers.read("emodb", folder)
    counts = Counter(u.emotion for u in utterances)
    of_emotion = {"angry": 127, "bored": 81, "disgusted": 46, "fearful": 69}
    assert counts == of_emotion | {"happy": 71, "neutral": 79, "sad": 62}
    men, women = {"03", "10", "11", "12", "15"}, {"08", "09", "13", "14", "16"}
    assert {u.speaker for u in utterances} == men | women
    assert len({u.text for u in utterances}) == 10 and not notes
    assert readers.read("emodb", folder / "wav").utterances == utterances
