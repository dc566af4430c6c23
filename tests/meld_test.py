"""MELD, over releases that the tests build: tables and names as published."""

import pytest

from vladser.corpora import meld, readers
from vladser.errors import InputError
from vladser.types import UNKNOWN

pytestmark = pytest.mark.fault("labels")

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,"
    "Episode,StartTime,EndTime"
)
TIMES = '"00:16:16,059","0:16:21,425"'
PARTS = {
    "train": [
        f"1,Also I was the point person,Chandler,neutral,neutral,0,0,8,21,{TIMES}",
        f'2,"Oh, ""that"" is it, Joey.",Joey,joy,positive,0,1,8,21,{TIMES}',
        f"3,Hi,Phoebe Sr,sadness,negative,1,0,3,25,{TIMES}",
        f"4,No,Dr. Leedbetter,anger,negative,2,0,5,16,{TIMES}",
        f"5,Hey!,All,surprise,positive,2,1,5,16,{TIMES}",
        f"6,Hey!,Ross and Joey,surprise,positive,2,2,5,16,{TIMES}",
        f"7,Broken,Ross,fear,negative,125,3,1,1,{TIMES}",
    ],
    "dev": [
        f"1,Oh,Dr. Ledbetter,disgust,negative,0,0,5,16,{TIMES}",
        f"2,Broken,Ross,fear,negative,110,7,1,1,{TIMES}",
    ],
    "test": [
        f"1,Why do all you\u2019re coffee mugs,Mark,surprise,positive,0,0,3,19,{TIMES}",
        f"2,Hi,Phoebe Sr.,fear,negative,0,1,3,25,{TIMES}",
    ],
}
FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}


def write(root, suffix=".mp4"):
    for part, lines in PARTS.items():
        folder = root / "MELD.Raw" / FOLDERS[part]
        folder.mkdir(parents=True, exist_ok=True)
        table = root / "MELD.Raw" / f"{part}_sent_emo.csv"
        content = "".join(f"{line}\r\n" for line in (HEADER, *lines))
        table.write_bytes(content.encode())
        for line in lines:
            dialogue, utterance = line.removesuffix(f",{TIMES}").split(",")[-4:-2]
            (folder / f"dia{dialogue}_utt{utterance}{suffix}").touch()
            (folder / f"._dia{dialogue}_utt{utterance}{suffix}").touch()
    (folder / f"final_videos_testdia0_utt0{suffix}").touch()
    return root


TOLD = {
    "train_dia0_utt0": ("Chandler", "neutral", "8x21", "train"),
    "train_dia0_utt1": ("Joey", "happy", "8x21", "train"),
    "train_dia1_utt0": ("Phoebe Sr.", "sad", "3x25", "train"),
    "train_dia2_utt0": ("Dr. Ledbetter", "angry", "5x16", "train"),
    "train_dia2_utt1": (UNKNOWN, "surprised", "5x16", "train"),
    "train_dia2_utt2": (UNKNOWN, "surprised", "5x16", "train"),
    "dev_dia0_utt0": ("Dr. Ledbetter", "disgusted", "5x16", "validation"),
    "test_dia0_utt0": ("Mark", "surprised", "3x19", "test"),
    "test_dia0_utt1": ("Phoebe Sr.", "fearful", "3x25", "test"),
}


def test_dialogues_of_each_part_are_numbered_anew(tmp_path):
    utterances, notes = readers.read("meld", write(tmp_path))
    told = {u.id: (u.speaker, u.emotion, u.session, u.split) for u in utterances}
    assert told == TOLD
    for u in utterances:
        part, stem = u.id.split("_", 1)
        assert u.file == tmp_path / "MELD.Raw" / FOLDERS[part] / f"{stem}.mp4"
    texts = {u.id: u.text for u in utterances}
    assert texts["train_dia0_utt1"] == 'Oh, "that" is it, Joey.'
    assert texts["test_dia0_utt0"] == "Why do all you\u2019re coffee mugs"
    broken = "utterances left out, published with broken media: 1 (such as"
    assert notes == [
        f"train_sent_emo.csv: {broken} train_dia125_utt3)",
        f"dev_sent_emo.csv: {broken} dev_dia110_utt7)",
    ]


def test_audio_that_was_made_of_the_videos_goes_before_them(tmp_path):
    write(tmp_path)
    for part in FOLDERS:
        folder = tmp_path / "audio" / "16k" / part
        folder.mkdir(parents=True)
        (folder / "dia0_utt0.wav").touch()
        copy = tmp_path / "a" / "deeper" / "copy" / FOLDERS[part]
        copy.mkdir(parents=True)
        (copy / "dia0_utt1.mp4").touch()
    utterances, _ = readers.read("meld", tmp_path)
    assert {u.id for u in utterances} == {*TOLD}
    made = {u.id for u in utterances if u.file.suffix == ".wav"}
    assert made == {"train_dia0_utt0", "dev_dia0_utt0", "test_dia0_utt0"}
    assert not [u.file for u in utterances if "copy" in u.file.parts]


def test_who_plays_a_character_is_one_speaker():
    # Of the published tables: whom nobody may train on while they are tested.
    played = {"Joey/Drake", "Dr. Drake Remoray", "Dr. Stryker Ramoray"}
    assert {meld.SPELLINGS[name] for name in played} == {"Joey"}
    assert meld.SPELLINGS["Phoebe/Waitress"] == meld.SPELLINGS["Ursula"] == "Phoebe"
    assert meld.SPELLINGS["Rachel/actress"] == "Rachel"


def test_what_is_missing_is_counted(tmp_path):
    folder = write(tmp_path) / "MELD.Raw"
    (folder / "train_splits" / "dia1_utt0.mp4").unlink()
    (folder / "dev_sent_emo.csv").unlink()
    utterances, notes = readers.read("meld", tmp_path)
    assert len(utterances) == len(TOLD) - 2
    without = "utterances left out, without a file: 1 (such as train_dia1_utt0)"
    assert notes[1:] == [
        f"train_sent_emo.csv: {without}",
        f"dev_sent_emo.csv: not in {tmp_path}",
    ]


def test_says_what_a_wrong_folder_should_hold(tmp_path):
    with pytest.raises(InputError, match=r"expected MELD's train_sent_emo.csv and"):
        readers.read("meld", tmp_path)
