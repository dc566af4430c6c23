"""Predicting as a program: next to the library, and to what the evaluation found."""

import csv
import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import documented
import launching
import numpy as np
import pytest
import soundfile
import streams

from launch.predicting import inputs
from vladser import registry
from vladser.corpora import readers
from vladser.features import extraction
from vladser.models import bundle, inference

pytestmark = pytest.mark.fault("predictions")

pytest_plugins = "predicting"


def test_predicts_what_the_evaluation_found_with_the_librarys_embeddings(
    trained, call, tmp_path
):
    files, place = [*trained.tested], tmp_path / "vectors.npz"
    status, out, err = call("--format=json", f"--embeddings={place}", *files)
    assert (status, err) == (0, "")
    rows = json.loads(out)
    assert [row["file"] for row in rows] == [str(file) for file in files]
    for row, expected in zip(rows, trained.tested.values(), strict=True):
        assert list(row["probabilities"]) == [*launching.EMOTIONS]
        odds = [*row["probabilities"].values()]
        np.testing.assert_allclose(odds, expected, atol=1e-5)
        assert row["predicted"] == launching.EMOTIONS[expected.argmax()]
        assert row["start"] is row["end"] is None
    (said,) = documented.blocks(documented.page("docs/predicting.md"), "json")
    assert list(json.loads(said)) == list(row)

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


def test_formats_agree_to_the_bit_and_the_table_says_the_same(trained, call):
    formats = "json", "jsonl", "csv", "table"
    texts = [call(f"--format={form}", trained.audio)[1] for form in formats]
    rows = json.loads(texts[0])
    assert [json.loads(line) for line in texts[1].splitlines()] == rows
    assert len(rows) == 32
    lines = csv.DictReader(io.StringIO(texts[2]))
    header, *shown = texts[3].splitlines()
    assert header.split() == ["file", "predicted", *launching.EMOTIONS]
    for row, cells, line in zip(rows, lines, shown, strict=True):
        odds = row.pop("probabilities")
        assert {float(cells.pop(f"p_{e}")) == p for e, p in odds.items()} == {True}
        assert cells == row | {"start": "", "end": ""}
        numbers = [f"{p:.3f}" for p in odds.values()]
        assert line.split() == [row["file"], row["predicted"], *numbers]


@pytest.mark.slow
def test_words_are_files_folders_and_lists_in_their_order(trained, call, tmp_path):
    file, *_, last = trained.tested
    seen = ["a/b.WAV", "a/c.flac", "b.wav", "ä.wav"]
    folder = tmp_path / "folder"
    for name in (*seen, "a/._b.wav", ".c/d.wav", "a/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.read_bytes())
    status, out, err = call("--format=csv", last, trained.manifest, folder, last)
    assert status == 0
    with trained.manifest.open() as lines:
        listed = [str(trained.audio / row["file"]) for row in csv.DictReader(lines)]
    inside = [str(folder / name) for name in seen]
    files = [row["file"] for row in csv.DictReader(io.StringIO(out))]
    assert files == [str(last), *listed, *inside, str(last)]
    assert err == f"note: {folder}: 1 file left out (such as {folder}/a/notes.txt)\n"


def test_columns_of_a_list_that_do_not_count_hold_anything(tmp_path):
    (tmp_path / "list.csv").write_text(
        "file,valence,activation,speaker,start,end\na.wav,-0.4,high,\a,0.5,2\n"
    )
    (tmp_path / "a.wav").touch()
    (found,), _ = inputs.find([str(tmp_path / "list.csv")], {".wav"})
    assert (found.file, found.start, found.end) == (tmp_path / "a.wav", 0.5, 2.0)


@pytest.mark.slow
def test_a_segment_of_a_list_is_a_signal_of_its_own(trained, call, tmp_path):
    file = next(iter(trained.tested))
    samples, rate = soundfile.read(file)
    soundfile.write(tmp_path / "whole.flac", samples, rate)
    soundfile.write(tmp_path / "cut.flac", samples[1600:4000], rate)
    (tmp_path / "list.CSV").write_text(
        'comment,file,end,start\n"two\nlines",whole.flac,0.25,0.1\n,cut.flac,,\n'
    )
    status, out, _ = call("--format=json", tmp_path / "list.CSV")
    part, cut = json.loads(out)
    assert status == 0 and (part["start"], part["end"]) == (0.1, 0.25)
    assert part["probabilities"] == pytest.approx(cut["probabilities"], abs=1e-5)


@pytest.mark.slow
def test_bad_files_are_named_and_the_others_done(trained, call, tmp_path):
    good = next(iter(trained.tested))
    (tmp_path / "text.wav").write_text("words")
    soundfile.write(tmp_path / "short.wav", np.zeros(900), 16000)
    (tmp_path / "list.csv").write_text(f"file\ngone.wav\n{good}\n")
    words = [tmp_path / name for name in ("text.wav", "short.wav", "list.csv")]
    place = tmp_path / "vectors.npz"
    status, out, err = call("--format=json", f"--embeddings={place}", *words)
    assert status == 1
    assert [row["file"] for row in json.loads(out)] == [str(good)]
    assert [*np.load(place)["files"]] == [str(good)]
    *lines, last = err.splitlines()
    reasons = {
        "text.wav": "is not audio",
        "short.wav": "at least 960",
        "gone.wav": "No such file",
    }
    for line, (name, reason) in zip(lines, reasons.items(), strict=True):
        assert line.startswith(f"{tmp_path / name}: ") and reason in line
    assert last == "error: 3 of 4 files could not be classified"
    status, out, err = call("--format=json", words[0])
    assert (status, json.loads(out)) == (1, [])
    assert err.endswith("error: 1 of 1 file could not be classified\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "FILE, FOLDER or LIST.csv is missing"),
        ([""], "FILE, FOLDER or LIST.csv is missing"),
        (["gone.wav"], "gone.wav: no such file or folder"),
        (["."], ". holds no file: expected one at least (."),
        (["list.csv"], "list.csv, line 1: expected the columns file"),
        (["a.wav", "--format=xml"], "expected one of table, csv, json, jsonl"),
        (["a.wav", "--hop=1"], "--hop and --timeline go with --window"),
        (["a.wav", "--window=1", "--hop=2"], "expected at most --window=1"),
        (["a.wav", "--window=61"], "from 0.06 to --max_seconds=60"),
        (["a.wav", "--embeddings=no/x.npz"], "expected a new file's name"),
        (["a.wav", "--embeddings=a.wav"], "expected a new file's name"),
        (["a.wav", "--model=."], ". is no model"),
    ],
)
def test_wrong_use_is_one_line(call, tmp_path, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    Path("list.csv").write_text("speaker,emotion\n")
    if argv[:1] == ["a.wav"]:
        Path("a.wav").touch()
    status, out, err = call(*argv)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ") and said in err


@pytest.fixture
def other(trained, tmp_path):
    """Writes the same model, for other features."""

    def other(feature_set, part="vladser147"):
        model = bundle.load(trained.model)
        features = registry.features.parse(part)
        condition = replace(model.condition, features=features)
        model = replace(model, feature_set=feature_set, condition=condition)
        bundle.save(model, tmp_path / "model" / feature_set)
        return tmp_path / "model" / feature_set

    return other


def test_other_features_are_noted_or_refused(trained, call, other):
    file = next(iter(trained.tested))
    name, _, version = bundle.describe(trained.model).feature_set.partition("/")
    status, out, err = call(file, model=other(f"{name}/opensmile-1.9"))
    assert status == 0 and str(file) in out
    assert "opensmile-1.9" in err and version in err and err.startswith("note: ")
    status, _, err = call(file, model=other(f"vladser147-0badf00d/{version}"))
    assert status == 2
    assert f"takes features vladser147-0badf00d, vladser147 makes {name}" in err


def test_a_model_of_ready_features_takes_npy_files_whose_features_can_be_checked(
    call, tmp_path, other
):
    model, draw = other("npy-wavlm-147", "npy(name='wavlm')"), np.random.default_rng(0)
    call = partial(call, "--format=json", tmp_path, model=model)
    arrays = {n: draw.normal(size=(n, 147)).astype(np.float32) for n in (50, 9)}
    for length, array in arrays.items():
        np.save(tmp_path / f"{length}.npy", array)
    status, out, err = call()
    assert status == 0 and "note: files should hold features of wavlm" in err
    rows = json.loads(out)
    assert [Path(row["file"]).stem for row in rows] == ["50", "9"]
    expected = inference.classify(bundle.load(model), [*arrays.values()])
    found = [[*row["probabilities"].values()] for row in rows]
    np.testing.assert_allclose(found, expected.probabilities, atol=1e-5)

    np.save(tmp_path / "0.npy", np.zeros((9, 5), np.float32))
    status, _, err = call("--features=npy(name='wavlm')")
    assert status == 1 and f"{tmp_path}/0.npy: has D = 5: expected 147" in err
    assert "should hold" not in err
    for given in "npy", "npy(name='hubert')", "npy(name='wavlm',dim=5)", "vladser147":
        status, _, err = call(f"--features={given}")
        assert status == 2 and "takes features npy-wavlm-147, " in err
    status, _, err = call("--window=1")
    assert status == 2 and "--window cuts audio" in err


def test_features_from_elsewhere_are_used_where_they_are_trusted(
    trained, call, tmp_path, monkeypatch, other
):
    (tmp_path / "noisy.py").write_text(
        "import numpy as np\n"
        "from vladser.contracts import Features\n"
        "def noise(*, seed=0):\n"
        "    return Features(f'noise-{seed}', 147, setup, len_of)\n"
        "def len_of(samples):\n"
        "    return 3\n"
        "def setup():\n"
        "    return lambda signal: np.zeros((3, 147), np.float32)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    part = "noisy.noise(seed=7)"
    call = partial(call, next(iter(trained.tested)), model=other("noise-7", part))
    status, _, err = call()
    assert status == 2 and f"if you trust that, say --features={part}" in err
    assert call(f"--features={part}")[0] == 0
    status, _, err = call("--features=noisy.noise(seed=8)")
    assert status == 2 and "takes features noise-7, noisy.noise(seed=8) makes" in err


@pytest.mark.slow
def test_as_a_process_it_prints_rows_alone_and_any_file_name(trained, tmp_path):
    (folder := tmp_path / "in").mkdir()
    clock = np.arange(48000) / 16000
    sweep = 0.3 * np.sin(2000 * clock**2) * (clock % 0.5 > 0.2)
    soundfile.write(folder / "a.mp3", sweep, 16000)  # its decoder has much to say
    for name in (b"odd \xff.wav", "日本,\n.wav".encode()):
        with open(bytes(folder) + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(next(iter(trained.tested)).read_bytes())
    argv = f"--model={trained.model}", f"--cache_dir={tmp_path}", "--format=csv"
    process = streams.start(*argv, folder, program="predict")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    lines = csv.DictReader(io.StringIO(out.decode("utf-8", "surrogateescape")))
    assert {row["file"] for row in lines} == {str(path) for path in folder.iterdir()}
