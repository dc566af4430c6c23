"""Predicting as a program: next to the library, and to what the evaluation found."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import documented
import launching
import numpy as np
import pytest
import soundfile

from vladser import registry
from vladser.corpora import readers
from vladser.features import extraction
from vladser.models import bundle, inference

pytest_plugins = "predicting"
FORMATS = ("csv", "json", "jsonl")


def parse(text, how):
    """Rows of any machine format as those of json."""
    if how == "json":
        return json.loads(text)
    if how == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        rows.append({name: row[name] for name in ("file", "start", "end", "predicted")})
        for name in ("start", "end"):
            rows[-1][name] = float(row[name]) if row[name] else None
        rows[-1]["probabilities"] = {
            name[2:]: float(cell) for name, cell in row.items() if name[:2] == "p_"
        }
    return rows


def test_predicts_what_the_evaluation_found(trained, call):
    files = [*trained.tested]
    status, out, err = call("--format=json", *files)
    assert (status, err) == (0, "")
    rows = json.loads(out)
    assert [row["file"] for row in rows] == [str(file) for file in files]
    for row, expected in zip(rows, trained.tested.values(), strict=True):
        assert list(row["probabilities"]) == [*launching.EMOTIONS]
        np.testing.assert_allclose(
            [*row["probabilities"].values()], expected, atol=1e-5
        )
        assert row["predicted"] == launching.EMOTIONS[expected.argmax()]
        assert row["start"] is row["end"] is None


def test_formats_agree_to_the_bit_and_the_table_says_the_same(trained, call):
    every = {how: call(f"--format={how}", trained.audio)[1] for how in FORMATS}
    rows = parse(every["json"], "json")
    assert len(rows) == 32
    assert parse(every["csv"], "csv") == parse(every["jsonl"], "jsonl") == rows
    header, *lines = call(trained.audio)[1].splitlines()
    assert header.split() == ["file", "predicted", *launching.EMOTIONS]
    for line, row in zip(lines, rows, strict=True):
        shown = [f"{p:.3f}" for p in row["probabilities"].values()]
        assert line.split() == [row["file"], row["predicted"], *shown]


def test_a_folder_is_all_audio_below_it_sorted(trained, call, tmp_path):
    wav = next(iter(trained.tested)).read_bytes()
    seen = ["a/b.WAV", "a/c.flac", "b.wav", "ä.wav"]
    for name in (*seen, "a/._b.wav", ".c/d.wav", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(wav)
    status, out, err = call("--format=csv", tmp_path)
    assert status == 0
    files = [row["file"] for row in parse(out, "csv")]
    assert files == [str(tmp_path / name) for name in seen]
    assert (
        err == f"note: {tmp_path}: 1 file left out (such as {tmp_path}/a/notes.txt)\n"
    )


def test_a_manifest_is_a_list_and_words_keep_their_order(trained, call):
    first, last = (trained.audio / f"s{n}_angry_0.wav" for n in (0, 3))
    status, out, _ = call("--format=csv", last, trained.manifest, first, last)
    assert status == 0
    with trained.manifest.open() as lines:
        listed = [str(trained.audio / row["file"]) for row in csv.DictReader(lines)]
    files = [row["file"] for row in parse(out, "csv")]
    assert files == [str(last), *listed, str(first), str(last)]


@pytest.mark.slow
def test_a_segment_of_a_list_is_a_signal_of_its_own(trained, call, tmp_path):
    file = next(iter(trained.tested))
    samples, rate = soundfile.read(file)
    soundfile.write(tmp_path / "whole.flac", samples, rate)
    soundfile.write(tmp_path / "cut.flac", samples[1600:4000], rate)
    (tmp_path / "list.CSV").write_text(
        'comment,file,end,start\n"two\nlines",whole.flac,0.25,0.1\n,cut.flac,,\n'
    )
    status, out, _ = call("--format=jsonl", tmp_path / "list.CSV")
    part, cut = parse(out, "jsonl")
    assert status == 0 and (part["start"], part["end"]) == (0.1, 0.25)
    assert part["probabilities"] == pytest.approx(cut["probabilities"], abs=1e-5)


def test_embeddings_are_those_of_the_library_in_the_order_of_the_output(
    trained, call, tmp_path
):
    files = [*trained.tested][::-1]
    place = tmp_path / "vectors.npz"
    words = [files[0], tmp_path, *files[1:]]  # a folder's note is no row
    (tmp_path / "bad.wav").write_text("words")
    assert call(f"--embeddings={place}", "--format=csv", *words)[0] == 1
    with np.load(place, allow_pickle=False) as found:
        found = dict(found)
    assert found["files"].tolist() == [str(file) for file in files]
    assert np.isnan(found["starts"]).all() and np.isnan(found["ends"]).all()
    utterances = readers.read("manifest", trained.manifest).utterances
    smile = extraction.extract(utterances, trained.cache).features
    expected = inference.classify(
        bundle.load(trained.model), [smile[file.name] for file in files]
    )
    np.testing.assert_allclose(found["embeddings"], expected.embedding, atol=1e-5)


@pytest.mark.slow
def test_bad_files_are_named_and_the_others_done(trained, call, tmp_path):
    good = next(iter(trained.tested))
    (tmp_path / "text.wav").write_text("words")
    soundfile.write(tmp_path / "short.wav", np.zeros(900), 16000)
    soundfile.write(tmp_path / "low.wav", np.zeros(9000), 8000)
    (tmp_path / "list.csv").write_text(f"file\ngone.wav\n{good}\n")
    names = ("text.wav", "short.wav", "low.wav", "list.csv")
    words = [tmp_path / name for name in names]
    status, out, err = call("--format=csv", *words)
    assert status == 1
    assert [row["file"] for row in parse(out, "csv")] == [str(good)]
    *lines, last = err.splitlines()
    reasons = "is not audio", "at least 960", "is sampled at 8000 Hz", "No such file"
    for line, name, reason in zip(
        lines, [*names[:3], "gone.wav"], reasons, strict=True
    ):
        assert line.startswith(f"{tmp_path / name}: ") and reason in line
    assert last == "error: 4 of 5 files could not be classified"


def test_all_bad_is_an_empty_answer(call, tmp_path):
    (tmp_path / "a.wav").write_text("words")
    status, out, err = call("--format=json", tmp_path)
    assert (status, json.loads(out)) == (1, [])
    assert err.endswith("error: 1 of 1 file could not be classified\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "FILE, FOLDER or LIST.csv is missing"),
        (["gone.wav"], "gone.wav: no such file or folder"),
        (["."], "holds no file that ends in one of .aif"),
        (["list.csv"], "list.csv, line 1: expected the columns file"),
        (["a.wav", "--format=xml"], "expected one of table, csv, json, jsonl"),
        (["a.wav", "--hop=1"], "--hop goes with --window"),
        (["a.wav", "--timeline=x"], "--timeline goes with --window"),
        (["a.wav", "--window=1", "--hop=2"], "expected at most --window=1"),
        (["a.wav", "--window=61"], "from 0.06 to --max_seconds=60"),
        (["a.wav", "--embeddings=no/x.npz"], "no folder no"),
        (["a.wav", "--embeddings=a.wav"], "a.wav exists"),
        (["a.wav", "--embeddings=."], ". exists"),
        ([""], "FILE, FOLDER or LIST.csv is missing"),
        (["a.wav", "--model=."], ". is no model"),
    ],
)
def test_wrong_use_is_one_line(trained, call, tmp_path, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("speaker,emotion\n")
    if argv[:1] == ["a.wav"]:
        Path("a.wav").touch()
    status, out, err = call(*argv)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ") and said in err


def other_features(trained, folder, feature_set):
    """The same model, for other features."""
    said = bundle.load(trained.model)
    given = {**vars(said), "feature_set": feature_set}
    bundle.save(bundle.Bundle(**given), folder / "model")
    return folder / "model"


def test_features_that_are_not_made_here_are_refused(trained, call, tmp_path):
    file = next(iter(trained.tested))
    here = bundle.describe(trained.model).feature_set
    name, _, version = here.partition("/")
    model = other_features(trained, tmp_path, f"vladser147-0badf00d/{version}")
    status, _, err = call(file, model=model)
    assert status == 2 and "vladser147-0badf00d" in err and name in err
    (tmp_path / "other").mkdir()
    model = other_features(trained, tmp_path / "other", "wav2vec-768")
    status, _, err = call(file, model=model)
    assert status == 2 and "takes features wav2vec-768, which are unknown" in err


def test_another_opensmile_is_noted(trained, call, tmp_path):
    file = next(iter(trained.tested))
    name, _, version = bundle.describe(trained.model).feature_set.partition("/")
    model = other_features(trained, tmp_path, f"{name}/opensmile-1.9")
    status, out, err = call("--format=csv", file, model=model)
    assert status == 0 and len(parse(out, "csv")) == 1
    assert "opensmile-1.9" in err and version in err and err.startswith("note: ")


def test_whose_ready_features_they_are_can_be_said_and_is_checked(
    trained, call, tmp_path
):
    columns = bundle.describe(trained.model).features
    model = other_features(trained, tmp_path, f"npy-wavlm-{columns}")
    file = tmp_path / "a.npy"
    np.save(file, np.zeros((9, columns), np.float32))
    status, _, err = call(file, model=model)
    assert status == 0 and "note: files should hold features of wavlm" in err
    status, _, err = call("--features=npy(name='wavlm')", file, model=model)
    assert status == 0 and "note" not in err
    for other in "npy", "npy(name='hubert')", "npy(name='wavlm',dim=5)", "vladser147":
        status, _, err = call(f"--features={other}", file, model=model)
        assert status == 2 and f"takes features npy-wavlm-{columns}, --features" in err


def test_features_from_elsewhere_are_used_where_they_are_trusted(
    trained, call, tmp_path, monkeypatch
):
    (tmp_path / "noisy.py").write_text(
        "import numpy as np\n"
        "from vladser.types import Features\n"
        "def noise(*, seed=0):\n"
        "    return Features(f'noise-{seed}', 147, setup, len_of)\n"
        "def len_of(samples):\n"
        "    return 3\n"
        "def setup():\n"
        "    return lambda signal: np.zeros((3, 147), np.float32)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    given = vars(bundle.load(trained.model)) | {"feature_set": "noise-7"}
    part = registry.features.parse("noisy.noise(seed=7)")
    given["condition"] = replace(given["condition"], features=part)
    bundle.save(bundle.Bundle(**given), tmp_path / "model")
    file = next(iter(trained.tested))
    status, _, err = call(file, model=tmp_path / "model")
    assert status == 2 and f"if you trust that, say --features={part}" in err
    status, out, _ = call(f"--features={part}", file, model=tmp_path / "model")
    assert status == 0 and out
    other = "--features=noisy.noise(seed=8)"
    status, _, err = call(other, file, model=tmp_path / "model")
    assert status == 2 and "makes noise-8: expected those" in err


def test_a_model_of_ready_features_takes_npy_files(trained, call, tmp_path):
    columns = bundle.describe(trained.model).features
    model = other_features(trained, tmp_path, f"npy-{columns}")
    draw = np.random.default_rng(0)
    arrays = {n: draw.normal(size=(n, columns)).astype(np.float32) for n in (9, 50)}
    np.save(tmp_path / "0.npy", np.zeros((9, 5), np.float32))
    for length, array in arrays.items():
        np.save(tmp_path / f"{length}.npy", array)
    status, out, err = call("--format=jsonl", tmp_path, model=model)
    assert status == 1 and f"{tmp_path}/0.npy: has D = 5: expected {columns}" in err
    rows = parse(out, "jsonl")
    assert [Path(row["file"]).stem for row in rows] == ["50", "9"]
    expected = inference.classify(bundle.load(model), [arrays[50], arrays[9]])
    found = [[*row["probabilities"].values()] for row in rows]
    np.testing.assert_allclose(found, expected.probabilities, atol=1e-5)
    status, _, err = call(tmp_path, "--window=1", model=model)
    assert status == 2 and "--window cuts audio" in err


def start(trained, *argv):
    """Starts it as a user does, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "launch.predict", f"--model={trained.model}", *argv],
        cwd=launching.ROOT,
        env=launching.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_as_a_process_it_prints_rows_alone_and_any_file_name(trained, tmp_path):
    (folder := tmp_path / "in").mkdir()
    clock = np.arange(48000) / 16000
    sweep = 0.3 * np.sin(2000 * clock**2) * (clock % 0.5 > 0.2)
    soundfile.write(folder / "a.mp3", sweep, 16000)  # its decoder has much to say
    for name in (b"odd \xff.wav", "日本,\n.wav".encode()):
        with open(bytes(folder) + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(next(iter(trained.tested)).read_bytes())
    process = start(trained, f"--cache_dir={tmp_path}", "--format=csv", folder)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    files = [
        row["file"] for row in parse(out.decode("utf-8", "surrogateescape"), "csv")
    ]
    assert {*files} == {str(path) for path in folder.iterdir()}


@pytest.mark.slow
def test_what_is_stopped_keeps_the_features_that_it_has(trained, tmp_path):
    draw = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(30):
        file = tmp_path / "in" / f"{number}.wav"
        soundfile.write(file, draw.uniform(-0.3, 0.3, 160_000), 16000)
    cache = tmp_path / "cache"
    # Of many workers, all would be done at once.
    process = start(trained, f"--cache_dir={cache}", "--workers=1", tmp_path / "in")
    while process.poll() is None and len([*kept(cache)]) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    assert 3 <= len([*kept(cache)]) < 30


def kept(cache):
    """The entries of a cache."""
    return cache.rglob("*.npy")


def test_the_object_on_the_page_is_of_the_form_that_is_written(trained, call):
    (said,) = documented.blocks(documented.page("docs/predicting.md"), "json")
    (row,) = json.loads(call("--format=json", next(iter(trained.tested)))[1])
    assert list(json.loads(said)) == list(row)
