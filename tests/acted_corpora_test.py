"""Corpora labelled by file names, against names from their published descriptions."""

import pytest

from vladser.corpora import readers
from vladser.errors import InputError

PUBLISHED = [  # corpus, file, speaker, emotion, text
    ("ravdess", "Actor_12/03-01-01-01-01-02-12.wav", "12", "neutral", "01"),
    ("ravdess", "Actor_12/03-01-02-01-02-01-12.wav", "12", "calm", "02"),
    ("ravdess", "Actor_01/03-01-03-02-01-01-01.wav", "01", "happy", "01"),
    ("ravdess", "Actor_01/03-01-04-01-01-01-01.wav", "01", "sad", "01"),
    ("ravdess", "Actor_24/03-01-05-01-01-01-24.wav", "24", "angry", "01"),
    ("ravdess", "A/Actor_24/03-01-06-01-02-01-24.wav", "24", "fearful", "02"),
    ("ravdess", "A/Actor_24/03-01-07-01-02-01-24.wav", "24", "disgusted", "02"),
    ("ravdess", "A/Actor_24/03-01-08-01-02-01-24.WAV", "24", "surprised", "02"),
    ("cremad", "AudioWAV/1001_DFA_ANG_XX.wav", "1001", "angry", "DFA"),
    ("cremad", "AudioWAV/1091_IEO_DIS_LO.wav", "1091", "disgusted", "IEO"),
    ("cremad", "1002_IEO_FEA_MD.wav", "1002", "fearful", "IEO"),
    ("cremad", "1002_IEO_HAP_HI.wav", "1002", "happy", "IEO"),
    ("cremad", "1002_WSI_NEU_XX.wav", "1002", "neutral", "WSI"),
    ("cremad", "1040_ITH_SAD_X.wav", "1040", "sad", "ITH"),
    ("savee", "AudioData/DC/a01.wav", "DC", "angry", None),
    ("savee", "AudioData/JE/d15.wav", "JE", "disgusted", None),
    ("savee", "AudioData/JK/f01.wav", "JK", "fearful", None),
    ("savee", "AudioData/KL/h01.wav", "KL", "happy", None),
    ("savee", "DC_n30.wav", "DC", "neutral", None),
    ("savee", "ALL/KL_sa02.wav", "KL", "sad", None),
    ("savee", "ALL/KL_su02.wav", "KL", "surprised", None),
    ("tess", "OAF_angry/OAF_back_angry.wav", "OAF", "angry", "back"),
    ("tess", "OAF_disgust/OAF_back_disgust.wav", "OAF", "disgusted", "back"),
    ("tess", "OAF_Fear/OAF_back_fear.wav", "OAF", "fearful", "back"),
    ("tess", "YAF_happy/YAF_back_happy.wav", "YAF", "happy", "back"),
    ("tess", "OAF_neutral/OA_bite_neutral.wav", "OAF", "neutral", "bite"),
    ("tess", "OAF_Pleasant_surprise/OAF_back_ps.wav", "OAF", "surprised", "back"),
    ("tess", "YAF_pleasant_surprised/YAF_dog_ps.wav", "YAF", "surprised", "dog"),
    ("tess", "YAF_sad/YAF_dog_sad.wav", "YAF", "sad", "dog"),
    ("emodb", "wav/03a01Wa.wav", "03", "angry", "a01"),
    ("emodb", "wav/16b10Lc.wav", "16", "bored", "b10"),
    ("emodb", "wav/16b10Eb.wav", "16", "disgusted", "b10"),
    ("emodb", "wav/08a02Ab.wav", "08", "fearful", "a02"),
    ("emodb", "wav/03a01Fa.wav", "03", "happy", "a01"),
    ("emodb", "wav/03a02Ta.wav", "03", "sad", "a02"),
    ("emodb", "wav/03a02Nc.wav", "03", "neutral", "a02"),
    ("nemo", "nEMO-main/samples/EB0_anger_1.wav", "EB0", "angry", "1"),
    ("nemo", "samples/EB0_fear_35.wav", "EB0", "fearful", "35"),
    ("nemo", "samples/WR0_happiness_86.wav", "WR0", "happy", "86"),
    ("nemo", "samples/KD0_neutral_2.wav", "KD0", "neutral", "2"),
    ("nemo", "samples/MP0_sadness_79.wav", "MP0", "sad", "79"),
    ("nemo", "samples/WR0_surprised_64.wav", "WR0", "surprised", "64"),
]
NAMED = ("cremad", "emodb", "nemo", "ravdess", "savee", "tess")


def tree(folder, *names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


@pytest.mark.parametrize("corpus", NAMED)
def test_reads_published_names(tmp_path, corpus):
    rows = {tmp_path / row[1]: row[2:] for row in PUBLISHED if row[0] == corpus}
    tree(tmp_path, *(row[1] for row in PUBLISHED if row[0] == corpus))
    utterances, notes = readers.read(corpus, tmp_path)
    assert {u.file: (u.speaker, u.emotion, u.text) for u in utterances} == rows
    ids = [u.id for u in utterances]
    assert ids == sorted(set(ids)) and not notes
    assert not any(str(tmp_path) in id for id in ids)


@pytest.mark.parametrize("corpus", NAMED)
def test_says_what_a_wrong_folder_should_hold(tmp_path, corpus):
    tree(tmp_path, "notes.txt", "some.wav", "._03a01Fa.wav", ".x/03a01Fa.wav")
    with pytest.raises(InputError, match=r"expected .* such as .*wav") as error:
        readers.read(corpus, tmp_path)
    assert str(tmp_path) in str(error.value)
    for nothing in "nowhere", "notes.txt":
        with pytest.raises(InputError, match=f"{nothing}: cannot be listed: N"):
            readers.read(corpus, tmp_path / nothing)


@pytest.mark.parametrize(
    ("corpus", "taken", "left_out", "note"),
    [
        (
            "ravdess",
            "Actor_01/03-01-05-01-01-01-01.wav",
            [
                "Actor_01/03-02-05-01-01-01-01.wav",  # a song
                "Actor_01/01-01-05-01-01-01-01.wav",  # a video's sound
            ],
            ": 2 (such as Actor_01/01-01",
        ),
        ("tess", "a/YAF_dog_sad.wav", ["a/a/YAF_dog_sad.wav"], ": 1 (such as a/a/YAF"),
    ],
)
def test_strangers_and_nested_copies_are_left_out_and_noted(
    tmp_path, corpus, taken, left_out, note
):
    tree(tmp_path, taken, *left_out, "._03-01-05-01-01-02-01.wav")
    utterances, (said,) = readers.read(corpus, tmp_path)
    assert [u.file for u in utterances] == [tmp_path / taken] and note in said


def test_savee_layouts_have_the_same_ids(tmp_path):
    read = []
    for layout in "AudioData/DC/sa01.wav", "DC_sa01.wav":
        tree(tmp_path / layout[:3], layout)
        read += readers.read("savee", tmp_path / layout[:3]).utterances
    assert [u.id for u in read] == ["DC_sa01", "DC_sa01"]
