"""MSP-IMPROV, over releases that the tests build: names and blocks as published."""

import pytest

from vladser.corpora import readers
from vladser.errors import InputError

pytestmark = pytest.mark.fault("labels")

TURNS = {  # what raters heard, the talker, the class, the session and the sentence
    "MSP-IMPROV-S01A-F01-P-FM01": ("N", "F01", "neutral", "session1", None),
    "MSP-IMPROV-S01A-M01-P-MF01": ("A", "M01", "angry", "session1", None),
    "MSP-IMPROV-S08H-F05-S-FM02": ("S", "F05", "sad", "session5", None),
    "MSP-IMPROV-S08H-F05-R-FR01": ("H", "F05", "happy", "session5", "08"),
    "MSP-IMPROV-S20N-M06-T-MT01": ("A", "M06", "angry", "session6", "20"),
    "MSP-IMPROV-S20N-M06-T-MT02": ("O", None, None, None, None),
    "MSP-IMPROV-S20N-M06-T-MT03": ("X", None, None, None, None),
}


def write(root, turns=TURNS):
    blocks = []
    for id, (label, *_) in turns.items():
        video = id.replace("MSP-", "UTD-") + ".avi"
        scores = "A:3.200000; V:2.800000; D:NaN ; N:3.600000;"
        raters = ["20140407_001; Angry; Angry,Frustrated; ", "w2; Neutral; Neutral; "]
        lines = [f"{video}; {label}; {scores}", *(rater + scores for rater in raters)]
        blocks.append("\n".join(lines))
        _, scene, talker, kind, _ = id.removeprefix("MSP-").split("-")
        folder = root / f"session{int(talker[1:])}" / scene / kind
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{id}.wav").touch()
    (root / "Evaluation.txt").write_text("\n\n".join(blocks) + "\n")
    return root


def test_the_class_is_what_was_heard_and_not_the_letter_of_the_name(tmp_path):
    write(tmp_path / "MSP-IMPROV")
    utterances, notes = readers.read("msp_improv", tmp_path)
    assert {u.id: (u.speaker, u.emotion, u.session, u.text) for u in utterances} == {
        id: tuple(told) for id, (_, *told) in TURNS.items() if told[0]
    }
    assert notes == ["turns left out, labelled with no emotion: 1 O, 1 X"]


def test_what_is_missing_or_not_understood_is_counted(tmp_path):
    root, table = write(tmp_path), tmp_path / "Evaluation.txt"
    first, second, third, *_ = TURNS
    table.write_text(
        table.read_text().replace(second.replace("MSP-", "UTD-"), "UTD-IMPROV-x")
        + "UTD-IMPROV; \n"
    )
    next(root.rglob(f"{first}.wav")).unlink()
    (root / "session1" / "a.wav").touch()
    copy = root / "session5" / "copy"
    copy.mkdir()
    (copy / f"{third}.wav").touch()
    utterances, notes = readers.read("msp_improv", tmp_path)
    assert len(utterances) == 3
    last = len(table.read_text().splitlines())
    assert notes[:4] == [
        f"lines of Evaluation.txt left out, not understood: 1 (such as line {last})",
        "wavs left out, no turns by their names or second copies: 2 (such as "
        "session1/a.wav)",
        f"wavs left out, not in Evaluation.txt: 1 (such as {second}.wav)",
        f"turns of Evaluation.txt without a wav: 2 (such as {first})",
    ]


def test_two_classes_of_one_turn_are_an_error(tmp_path):
    table = write(tmp_path) / "Evaluation.txt"
    block = table.read_text().partition("\n\n")[0]
    table.write_text(table.read_text() + block.replace("; N; ", "; H; ", 1) + "\n")
    with pytest.raises(InputError, match=r"line 28: .*FM01 is H, but N before"):
        readers.read("msp_improv", tmp_path)


def test_says_what_a_wrong_folder_should_hold(tmp_path):
    with pytest.raises(InputError, match=r"expected MSP-IMPROV's Evaluation.txt and"):
        readers.read("msp_improv", tmp_path)
