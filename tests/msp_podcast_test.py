"""MSP-Podcast, over releases that the tests build: names and columns as published."""

from collections import Counter

import pytest

from vladser.corpora import readers
from vladser.errors import InputError
from vladser.types import UNKNOWN

pytestmark = pytest.mark.fault("labels")

HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
TURNS = [
    "MSP-PODCAST_0001_0008.wav,A,7.0,1.0,5.4,127,Male,Train",
    "MSP-PODCAST_0001_0019.wav,S,1.0,2.2,5.2,Unknown,Unknown,Train",
    "MSP-PODCAST_0002_0033.wav,H,4.0,7.0,4.2,128,Female,Train",
    "MSP-PODCAST_0002_0039_0001.wav,U,5.2,4.8,4.6,128,Female,Development",
    "MSP-PODCAST_1023_0235.wav,F,2.5,4,4,9,Female,Validation",
    "MSP-PODCAST_0003_0100.wav,D,4,4,4,129,Male,Test1",
    "MSP-PODCAST_0003_0101.wav,C,4,4,4,129,Male,Test1",
    "MSP-PODCAST_0003_0102.wav,N,4,4,4,Unknown,Unknown,Test2",
    "MSP-PODCAST_0003_0103.wav,O,4,4,4,129,Male,Test1",
    "MSP-PODCAST_0003_0104.wav,X,4,4,4,129,Male,Train",
    "MSP-PODCAST_0003_0105.wav,X,4,4,4,129,Male,Train",
    "MSP-PODCAST_0009_0001.wav,,,,,,,Test3",
]


def write(root, lines, header=HEADER, table="labels_consensus.csv", audio="Audios"):
    (root / "Labels").mkdir(parents=True)
    (root / "Labels" / "labels_detailed.csv").touch()
    content = [*filter(None, [header]), *lines]
    with (root / "Labels" / table).open("w", newline="") as file:
        file.write("".join(f"{line}\r\n" for line in content))
    (root / audio).mkdir()
    for line in lines:
        (root / audio / line.partition(",")[0]).touch()
    return root


OLD = {"table": "labels_concensus.csv", "audio": "Audio"}


@pytest.mark.parametrize(
    "options", [{}, OLD, {"header": None}], ids=["new", "old", "bare"]
)
def test_each_column_is_read_in_old_and_new_releases(tmp_path, options):
    root = write(tmp_path / "MSP_Podcast", TURNS, **options)
    utterances, notes = readers.read("msp_podcast", tmp_path)
    by_id = {u.id.removeprefix("MSP-PODCAST_"): u for u in utterances}
    assert {id: (u.speaker, u.emotion, u.split) for id, u in by_id.items()} == {
        "0001_0008": ("127", "angry", "train"),
        "0001_0019": (UNKNOWN, "sad", "train"),
        "0002_0033": ("128", "happy", "train"),
        "0002_0039_0001": ("128", "surprised", "validation"),
        "1023_0235": ("9", "fearful", "validation"),
        "0003_0100": ("129", "disgusted", "test1"),
        "0003_0101": ("129", "contemptuous", "test1"),
        "0003_0102": (UNKNOWN, "neutral", "test2"),
    }
    sessions = Counter(u.session for u in utterances)
    podcasts = {"0001": 2, "0002": 2, "0003": 3, "1023": 1}
    assert sessions == {f"MSP-PODCAST_{n}": count for n, count in podcasts.items()}
    assert all(u.file.is_file() and root in u.file.parents for u in utterances)
    hidden, no_emotion = notes
    assert hidden.endswith(": 1 (such as MSP-PODCAST_0009_0001.wav, Test3)")
    assert no_emotion == "turns left out, labelled with no emotion: 2 X, 1 O"


def test_columns_are_found_by_name_and_ratings_keep_ends_and_middle(tmp_path):
    names = HEADER.split(",")[::-1]
    lines = [",".join(line.split(",")[::-1]) for line in TURNS]
    write(tmp_path, lines, header=",".join(names))
    for line in TURNS:
        (tmp_path / "Audios" / line.partition(",")[0]).touch()
    utterances, _ = readers.read("msp_podcast", tmp_path)
    views = {u.id[12:]: (u.activation, u.valence) for u in utterances}
    assert views["0001_0008"] == (5, 1) and views["0003_0100"] == (3, 3)
    assert views["1023_0235"] == (2, 3)  # a quarter of the way


def test_of_copies_of_a_wav_the_nearest_is_read(tmp_path):
    write(tmp_path, TURNS)
    copies = tmp_path / "Audios" / "copies"
    copies.mkdir()
    for wav in (tmp_path / "Audios").glob("*.wav"):
        (copies / wav.name).touch()
    utterances, _ = readers.read("msp_podcast", tmp_path)
    assert {u.file.parent for u in utterances} == {tmp_path / "Audios"}


def test_what_has_no_wav_is_counted(tmp_path):
    write(tmp_path, TURNS)
    (tmp_path / "Audios" / "MSP-PODCAST_0002_0033.wav").unlink()
    utterances, notes = readers.read("msp_podcast", tmp_path)
    assert len(utterances) == 7
    assert notes[1].endswith("without a wav: 1 (such as MSP-PODCAST_0002_0033.wav)")


@pytest.mark.parametrize(
    ("was", "then", "says"),
    [
        ("EmoClass", "Class", "line 1: expected the columns filename, emoclass,"),
        ("7.0,1.0,5.4", "8.0,1.0,5.4", "line 2: rating '8.0'; .* from 1 to 7"),
        ("1.0,2.2,5.2", "1.0,high,5.2", "line 3: rating 'high'; .* from 1 to 7"),
        ("5.4,127,", "5.4,127,,", "line 2: 9 cells; expected 8"),
    ],
)
def test_a_table_that_is_not_as_published_is_named(tmp_path, was, then, says):
    write(
        tmp_path, [line.replace(was, then) for line in TURNS], HEADER.replace(was, then)
    )
    with pytest.raises(InputError, match=rf"labels_consensus.csv, {says}"):
        readers.read("msp_podcast", tmp_path)


def test_says_what_a_wrong_folder_should_hold(tmp_path):
    with pytest.raises(InputError, match=r"expected Labels/labels_consensus.csv"):
        readers.read("msp_podcast", tmp_path)
    write(tmp_path, TURNS, audio="elsewhere")
    for wav in (tmp_path / "elsewhere").iterdir():
        wav.unlink()
    with pytest.raises(InputError, match="found no utterance with both"):
        readers.read("msp_podcast", tmp_path)
