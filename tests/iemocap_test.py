"""IEMOCAP, over releases that the tests build: names and line format as published."""

import pytest

from vladser.corpora import iemocap
from vladser.errors import InputError

pytestmark = pytest.mark.fault("labels")


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


@pytest.mark.parametrize("top", [".", "IEMOCAP_full_release"])
def test_the_talker_is_that_of_the_turn_and_labels_have_canonical_names(tmp_path, top):
    turns = {  # whoever wears the markers, F or M of the dialogue, both persons talk
        "Ses01F_impro01_F000": ("ang", "Ses01F", "angry"),
        "Ses01F_impro01_M000": ("hap", "Ses01M", "happy"),
        "Ses01M_impro05a_F001": ("exc", "Ses01F", "excited"),
        "Ses01M_impro05a_M011": ("sad", "Ses01M", "sad"),
        "Ses03F_script03_2_MXX1": ("neu", "Ses03M", "neutral"),
        "Ses03M_script01_1b_F000": ("fru", "Ses03F", "frustrated"),
        "Ses05F_impro01_F000": ("fea", "Ses05F", "fearful"),
        "Ses05F_impro01_M000": ("dis", "Ses05M", "disgusted"),
        "Ses05F_impro01_M001": ("sur", "Ses05M", "surprised"),
        "Ses05F_impro01_M002": ("xxx", None, None),
        "Ses05F_impro01_M003": ("oth", None, None),
    }
    write(tmp_path / top, {turn: label for turn, (label, *_) in turns.items()})
    utterances, notes = iemocap.read(tmp_path)
    spoken = [(turn, *told) for turn, (_, *told) in turns.items() if told[0]]
    assert [(u.id, u.speaker, u.emotion) for u in utterances] == spoken
    assert all(u.session == u.id[:5] and u.file.stem == u.id for u in utterances)
    assert notes[2:] == ["turns left out, labelled with no emotion: 1 xxx, 1 oth"]


def test_activation_and_valence_are_the_means_of_the_raters(tmp_path):
    folder = write(tmp_path, {f"Ses01F_impro01_F00{n}": "ang" for n in range(7)})
    file = next(folder.rglob("[!.]*impro01.txt"))
    said = ["[2.5, 4.0, 3.0]", "[1.0,5.5000,2.0]", "", "[x, 1, 1]", "[5.0, 1]"]
    said.append("[0.0000, 2.0000, 3.0000]")
    text = file.read_text()
    for ratings in said:
        text = text.replace("[2.5000, 2.5000, 3.0000]", ratings, 1)
    file.write_text(text)
    utterances, _ = iemocap.read(tmp_path)
    assert [(u.valence, u.activation) for u in utterances] == [
        (2.5, 4.0),
        (1.0, 5.0),  # beyond the scale
        (None, None),
        (None, None),
        (None, None),
        (None, 2.0),
        (2.5, 2.5),
    ]


def test_a_partial_release_is_read_and_what_is_left_out_counted(tmp_path):
    labels = {f"Ses01F_impro01_F{i:03}": "ang" for i in range(5)}
    labels |= {f"Ses04M_impro01_M{i:03}": "sad" for i in range(1500)}
    here = list(labels)[:10]
    write(tmp_path, labels, wavs=here)
    file = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    file.write_text(file.read_text() + "[1.0 - \n")
    utterances, notes = iemocap.read(tmp_path)
    assert [u.id for u in utterances] == here
    assert notes == [
        "Session1: label lines left out, not understood: 1 (such as Ses01F_impro01.txt "
        f"line {file.read_text().count(chr(10))})",
        f"Session2: not in {tmp_path}",
        f"Session3: not in {tmp_path}",
        "Session4: of 1,500 labelled utterances, those without a wav under "
        f"{tmp_path / 'Session4' / 'sentences' / 'wav'}: 1,495 (such as "
        "Ses04M_impro01_M005.wav)",
        f"Session5: not in {tmp_path}",
    ]


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


@pytest.mark.parametrize(
    ("places", "found"),
    [
        (["IEMOCAP_full_release_withoutVideos"], "IEMOCAP_full_release_withoutVideos"),
        (["a/b c/my copy"], "a/b c/my copy"),
        (["x", "x/Session1/old", ".trash/y"], "x"),  # neither what is in it nor hidden
        (["a", "b/c/d"], None),
        (["a/b/c/d", ".trash"], ""),
    ],
)
def test_the_one_release_in_a_folder_is_found(tmp_path, places, found):
    for place in places:
        write(tmp_path / place, {"Ses01F_impro01_F000": "ang"})
    if found:
        (tmp_path / "link").symlink_to(tmp_path / found)  # is no other copy
        (utterance,) = iemocap.read(tmp_path).utterances
        assert utterance.file.resolve().is_relative_to((tmp_path / found).resolve())
        return
    copies = f"{tmp_path} holds several copies: expected one of a, b/c/d"
    says = copies if found is None else r"expected IEMOCAP's .* with both"
    with pytest.raises(InputError, match=says):
        iemocap.read(tmp_path)
