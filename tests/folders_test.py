"""Corpora labelled by their folders, over paths as they are published."""

from collections import Counter

import pytest
from trees import tree

from vladser.corpora import readers
from vladser.errors import InputError


def told(corpus, folder):
    """Speaker, emotion and sentence by path, and the notes."""
    utterances, notes = readers.read(corpus, folder)
    ids = [u.id for u in utterances]
    assert ids == sorted({*ids}) and not any(str(folder) in id for id in ids)
    rows = {
        u.file.relative_to(folder).as_posix(): (u.speaker, u.emotion, u.text)
        for u in utterances
    }
    return rows, notes


def test_casia_is_four_speakers_by_six_emotions_by_fifty_sentences(tmp_path):
    speakers = "liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang"
    emotions = "angry", "fear", "happy", "neutral", "sad", "surprise"
    paths = [
        f"CASIA/{speaker}/{emotion}/{number}.wav"
        for speaker in speakers
        for emotion in emotions
        for number in range(201, 251)
    ]
    rows, notes = told("casia", tree(tmp_path, *paths))
    assert {*rows} == {*paths} and not notes
    counts = Counter((speaker, emotion) for speaker, emotion, _ in rows.values())
    named = "angry", "fearful", "happy", "neutral", "sad", "surprised"
    assert counts == {(s, e): 50 for s in speakers for e in named}
    assert rows["CASIA/wangzhe/fear/217.wav"] == ("wangzhe", "fearful", "217")


@pytest.mark.parametrize("between", ["_", "/"])
def test_emovdb_in_both_layouts(tmp_path, between):
    paths = {
        f"bea{between}Amused/amused_1-28_0001.wav": ("bea", "amused", "0001"),
        f"jenie{between}Angry/anger_57-84_0057.wav": ("jenie", "angry", "0057"),
        f"sam{between}Disgusted/disgust_1-28_0028.wav": ("sam", "disgusted", "0028"),
        f"sam{between}Disgust/disgust_1-28_0029.wav": ("sam", "disgusted", "0029"),
        f"josh{between}Neutral/neutral_1-28_0001.wav": ("josh", "neutral", "0001"),
        f"josh{between}Sleepy/sleepiness_1-28_0001.wav": ("josh", "sleepy", "0001"),
    }
    rows, notes = told("emovdb", tree(tmp_path, *paths))
    assert rows == paths and not notes


def test_enterface_subjects_are_those_of_the_folders(tmp_path):
    paths = {
        "subject 1/anger/sentence 1/s1_an_1.avi": ("1", "angry", "an1"),
        "subject 3/surprise/sentence 4/s_3_su_4.avi": ("3", "surprised", "su4"),
        "subject 11/fear/sentence 2/s12_fe_2.avi": ("11", "fearful", "fe2"),
        "subject 12/fear/sentence 2/s12_fe_2.avi": ("12", "fearful", "fe2"),
        "subject 16/surprise/sentence 3/s16_su_3avi.avi": ("16", "surprised", "su3"),
        "subject 44/happiness/sentence 5/s44_ha_5.avi": ("44", "happy", "ha5"),
        "subject 7/disgust/sentence 5/s7_di_5.wav": ("7", "disgusted", "di5"),
        "subject 8/sadness/s8_sa_5.wav": ("8", "sad", "sa5"),
    }
    many = "subject 6/anger/s6_an.avi"
    copy = "subject 7/disgust/sentence 5/s7_di_5.avi"  # the video of the wav
    rows, notes = told("enterface", tree(tmp_path, *paths, many, copy))
    assert rows == paths
    assert len(notes) == 2 and f": 1 (such as {many})" in notes[0]
    assert f"second copies by their names: 1 (such as {copy})" in notes[1]


@pytest.mark.parametrize("part", ["", "train/", "evaluation/", "test/"])
def test_esd_has_the_emotion_of_the_folder_and_parallel_sentences(tmp_path, part):
    paths = {
        f"0001/Neutral/{part}0001_000017.wav": ("0001", "neutral", "Mandarin 17"),
        f"0010/Angry/{part}0010_000367.wav": ("0010", "angry", "Mandarin 17"),
        f"0011/Surprise/{part}0011_001417.wav": ("0011", "surprised", "English 17"),
        f"0011/Happy/{part}0011_000701.wav": ("0011", "happy", "English 1"),
        f"0020/Sad/{part}0020_001400.wav": ("0020", "sad", "English 350"),
    }
    tree(tmp_path, *paths)
    (tmp_path / "0001/0001.txt").write_bytes(
        "0001_000017\t\u4e2d\u7acb".encode("gb2312")
    )
    assert told("esd", tmp_path) == (paths, [])


@pytest.mark.parametrize("corpus", ["casia", "emovdb", "enterface", "esd"])
def test_says_what_a_wrong_folder_should_hold(tmp_path, corpus):
    tree(tmp_path, "a.txt", "some.wav", "some.avi")
    with pytest.raises(InputError, match=r"expected .* such as .*\.(wav|avi)") as error:
        readers.read(corpus, tmp_path)
    assert str(tmp_path) in str(error.value)
