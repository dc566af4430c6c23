"""Where users keep their data, and what corpora they have."""

import csv
import json
import os

import launching
import numpy as np
import pytest
import soundfile

from vladser.corpora import readers
from vladser.errors import InputError

pytestmark = pytest.mark.fault("places")

TINY = ("--aggregator=mean", "--cells=4", "--epochs=1", "--seeds=1", "--workers=1")
COLUMNS = ["file", "speaker", "emotion", "session"]


def manifest(folder, rows, columns=COLUMNS):
    """A manifest, and a take of noise for each (speaker, emotion, session)."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(0)
    with (folder / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for n, row in enumerate(rows):
            name = f"{n} {row[0]}.wav"
            soundfile.write(folder / name, draw.normal(0, 0.1, 4800), 16000)
            writer.writerow([name, *row])
    return folder / "mine.csv"


def call(file, *argv, folder=None):
    """The status of a run on a manifest, cache and results beside it."""
    beside = folder or file.parent
    return launching.call(
        "--corpus=manifest",
        f"--data_dir={file}",
        f"--cache_dir={beside / 'cache'}",
        f"--run_dir={beside / 'run'}",
        *argv,
        pictures=True,
    )


def rows(speakers, emotions="angry sad", session=""):
    return [(s, e, session) for s in speakers for e in emotions.split()]


@pytest.mark.slow
def test_paths_and_names_may_hold_any_letters(tmp_path):
    name = "with spaces, Größe 日本 ελ, quo'te\"s #;=%"
    speakers = [f"{name} s{n}" for n in range(3)]
    file = manifest(tmp_path / name / "data", 2 * rows(speakers, "злой ελ", name))
    assert call(file, "--emotions=злой,ελ", *TINY) == 0
    summary = json.loads((file.parent / "run" / "summary.json").read_text("utf-8"))
    folds = summary["conditions"][0]["folds"]
    assert [fold["held_out"] for fold in folds] == speakers
    assert summary["emotions"] == ["злой", "ελ"]


@pytest.mark.slow
def test_links_to_data_cache_and_results_are_followed(tmp_path):
    file = launching.write_corpus(tmp_path / "real")
    (tmp_path / "links").mkdir()
    for path in [*(tmp_path / "real").iterdir()]:
        (tmp_path / "links" / path.name).symlink_to(path)
    (tmp_path / "other disk").mkdir()
    (tmp_path / "place").symlink_to("other disk")
    linked, place = tmp_path / "links" / file.name, tmp_path / "place"
    assert call(linked, *launching.SMALL, "--workers=1", folder=place) == 0
    assert (tmp_path / "other disk" / "run" / "report.html").exists()
    assert any((tmp_path / "other disk" / "cache").iterdir())


def test_loops_of_links_end_and_links_to_elsewhere_are_read(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder, name in (data / "wav", "03a01Fa"), (elsewhere, "08a01Wa"):
        folder.mkdir(parents=True)
        (folder / f"{name}.wav").touch()
    for n in range(6):  # each loop once in each other: 6^40 ways
        (data / "wav" / f"up{n}").symlink_to("..")
        (elsewhere / f"back{n}").symlink_to(data)
    (data / "out").symlink_to(elsewhere)
    (data / "self").symlink_to("self")
    (data / "10a01Na.wav").symlink_to("10a01Na.wav")
    (data / "11a01Na.wav").symlink_to("nowhere")
    found, _ = readers.read("emodb", data)
    assert [u.id for u in found] == ["03a01Fa", "08a01Wa", "10a01Na", "11a01Na"]


SCARCE = [  # what folds lack otherwise: folds_test.py
    ([], "", 1, "no utterances; expected a line for each"),
    (rows("x"), "", 2, "x leaves fewer than two emotions"),
    (rows("xy", "sad"), "", 2, "emotion angry: no utterance"),
    (rows("xy"), "--emotions=sad", 2, "expected at least two classes"),
    (rows("xyz"), "--validation=partner", 2, "of 2, got no session of 3"),
]


@pytest.mark.parametrize(("rows", "argv", "status", "message"), SCARCE)
@pytest.mark.fault("protocol")
def test_what_a_corpus_lacks_is_said(tmp_path, capsys, rows, argv, status, message):
    file = manifest(tmp_path / "data", rows)
    assert call(file, "--emotions=angry,sad", *argv.split()) == status
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and err.startswith("error: ")
    assert message in err and not (tmp_path / "data" / "run").exists()


@pytest.mark.slow
def test_a_fold_may_train_without_a_class_that_it_tests(tmp_path, capsys):
    """Speaker z alone is neutral: with z held out the unigram prior of neutral is 0."""
    file = manifest(tmp_path, 2 * rows("xyz") + 2 * rows("z", "neutral"))
    argv = "--emotions=angry,sad,neutral", "--grid=smoothing=none,unigram", *TINY
    treated = "--grid=class_weights=1; focal=2; logit_adjustment=1"
    assert call(file, *argv, treated) == 0
    assert "folds test without some emotion" in capsys.readouterr().err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert len(summary["conditions"]) == 3 and not summary["failed"]


@pytest.mark.slow
@pytest.mark.parametrize("corpus", [n for n in readers.READERS if n != "manifest"])
def test_a_file_is_no_corpus_folder(tmp_path, corpus):
    (tmp_path / "file").touch()
    refused(corpus, tmp_path / "file")
    refused(corpus, tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("data", "expected a CSV file: Is a directory"),
        pytest.param("cache", "cannot be written", marks=pytest.mark.slow),
        ("run", "Not a directory"),
    ],
)
def test_a_file_in_the_place_of_a_folder_and_the_reverse_is_said(
    tmp_path, capsys, place, message
):
    file = manifest(tmp_path, rows("xy"))
    if place == "data":
        file = tmp_path
    else:
        (tmp_path / place).touch()
    status = call(file, "--emotions=angry,sad", *TINY, folder=tmp_path)
    *_, last = capsys.readouterr().err.splitlines()
    assert status in (1, 2) and last.startswith("error: ") and message in last


def refused(corpus, path):
    with pytest.raises(InputError) as error:
        readers.read(corpus, path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("corpus", "file"),
    [
        ("iemocap", "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"),
        ("emodb", "03a01Fa.wav"),
    ],
)
def test_a_folder_where_a_file_should_be_is_said(tmp_path, corpus, file):
    (tmp_path / file).mkdir(parents=True)
    refused(corpus, tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root")
@pytest.mark.parametrize("closed", [".", "wav"])
@pytest.mark.parametrize("corpus", [n for n in readers.READERS if n != "demo"])
def test_a_folder_that_may_not_be_read_is_said(tmp_path, corpus, closed):
    data = tmp_path / "data"
    (data / "wav").mkdir(parents=True)
    (data / closed).chmod(0)
    try:
        refused(corpus, data / "mine.csv" if corpus == "manifest" else data)
    finally:
        (data / closed).chmod(0o700)
