"""IEMOCAP, over releases that the tests build: names and line format as published."""

from collections import Counter

import pytest

from vladser.corpora import iemocap
from vladser.errors import InputError

DIALOGUES = ("F_impro01", "M_impro05a", "M_script01_1b", "F_script03_2")


def write(root, labels, wavs=None):
    """Writes a release with these labels by turn, and wavs of all turns or of these."""
    lines = {}
    for index, (turn, label) in enumerate(labels.items()):
        times, ratings = f"[{index}.2901 - {index}.8357]", "[2.5000, 2.5000, 3.0000]"
        line = "\t".join([times, turn, label, ratings])
        lines.setdefault(turn.rpartition("_")[0], []).append(line)
    for dialogue, content in lines.items():
        folder = root / f"Session{dialogue[4]}" / "dialog" / "EmoEvaluation"
        folder.mkdir(parents=True, exist_ok=True)
        header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        raters = "\nC-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
        (folder / f"{dialogue}.txt").write_text(header + raters.join(content) + raters)
        (folder / f"._{dialogue}.txt").write_bytes(b"[\0\5\x16\7 Mac OS X \xff")
    for turn in labels if wavs is None else wavs:
        dialogue = turn.rpartition("_")[0]
        folder = root / f"Session{turn[4]}" / "sentences" / "wav" / dialogue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{turn}.wav").touch()
        if turn.endswith("0"):
            (folder / f"._{turn}.wav").touch()
    return root


def published():
    """Labels with the published counts; in each dialogue both persons talk."""
    labels = {}
    for talker, (angry, happy, sad, neutral) in iemocap.COUNTS.items():
        excited = happy * 7 // 11
        kinds = ["ang"] * angry + ["hap"] * (happy - excited) + ["exc"] * excited
        kinds += ["neu"] * neutral + ["sad"] * sad + ["xxx"] * 30
        kinds += ["oth", "fru", "fea"]
        for index, label in enumerate(kinds):
            dialogue = talker[:5] + DIALOGUES[index % 4]
            labels[f"{dialogue}_{talker[5]}{index // 4:03}"] = label
    return labels


@pytest.mark.slow
def test_has_the_published_counts_of_each_true_talker(tmp_path):
    write(tmp_path / "IEMOCAP_full_release", published())
    utterances, notes = iemocap.read(tmp_path)
    assert iemocap.read(tmp_path / "IEMOCAP_full_release").utterances == utterances
    said = [(u.speaker, u.emotion.replace("excited", "happy")) for u in utterances]
    counts = Counter(one for one in said if one[1] in iemocap.CLASSES)
    assert counts == {
        (talker, name): count
        for talker, row in iemocap.COUNTS.items()
        for name, count in zip(iemocap.CLASSES, row, strict=True)
    }
    totals = Counter(emotion for _, emotion in counts.elements())
    assert totals == {"angry": 1103, "happy": 1636, "neutral": 1708, "sad": 1084}
    assert all(u.session == u.id[:5] and u.file.stem == u.id for u in utterances)
    assert [u.id for u in utterances] == sorted({u.id for u in utterances})
    assert notes == ["turns left out, labelled with no emotion: 300 xxx, 10 oth"]


def test_every_label_has_its_canonical_name(tmp_path):
    codes = ["ang", "hap", "exc", "sad", "neu", "fru", "fea", "dis", "sur"]
    labels = {f"Ses01F_impro01_F00{i}": code for i, code in enumerate(codes)}
    spoken, _ = iemocap.read(write(tmp_path, labels))
    names = "angry happy excited sad neutral frustrated fearful disgusted surprised"
    assert [u.emotion for u in spoken] == names.split()


def test_a_partial_release_is_read_and_counted(tmp_path):
    labels = {f"Ses01F_impro01_F{i:03}": "ang" for i in range(5)}
    labels |= {f"Ses04M_impro01_M{i:03}": "sad" for i in range(1500)}
    here = list(labels)[:10]
    utterances, notes = iemocap.read(write(tmp_path, labels, wavs=here))
    assert [u.id for u in utterances] == here
    assert notes == [
        f"Session2: not in {tmp_path}",
        f"Session3: not in {tmp_path}",
        "Session4: of 1,500 labelled utterances, those without a wav under "
        f"{tmp_path / 'Session4' / 'sentences' / 'wav'}: 1,495 (such as "
        "Ses04M_impro01_M005.wav)",
        f"Session5: not in {tmp_path}",
    ]


def test_a_malformed_line_costs_only_itself(tmp_path):
    write(tmp_path, {"Ses01F_impro01_F000": "ang", "Ses01F_impro01_M000": "sad"})
    file = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    file.write_text(file.read_text() + "[1.0 - \n")
    utterances, notes = iemocap.read(tmp_path)
    assert [u.speaker for u in utterances] == ["Ses01F", "Ses01M"]
    assert "Session1: label lines left out, not understood: 1" in notes[0]
    assert f"Ses01F_impro01.txt line {file.read_text().count(chr(10))}" in notes[0]


def test_two_labels_for_one_turn_are_an_error(tmp_path):
    write(tmp_path, {"Ses01F_impro01_F000": "ang"})
    folder = tmp_path / "Session1/dialog/EmoEvaluation"
    copy = (folder / "Ses01F_impro01.txt").read_text()
    (folder / "copy.txt").write_text(copy)
    assert len(iemocap.read(tmp_path).utterances) == 1
    (folder / "copy.txt").write_text(copy.replace("ang", "xxx"))
    says = r"copy.txt, line .*F000 is xxx, but ang in Ses01"
    with pytest.raises(InputError, match=says):
        iemocap.read(tmp_path)


def test_says_what_a_wrong_folder_should_hold(tmp_path):
    write(tmp_path / "no wavs", {"Ses01F_impro01_F000": "ang"}, wavs=[])
    for folder in "nowhere", ".", "no wavs":
        with pytest.raises(InputError, match=r"expected IEMOCAP's .* with both"):
            iemocap.read(tmp_path / folder)
