"""Whatever reads audio says the same of it: runs, audits, dry runs, predictions."""

import csv

import launching
import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from launch import audit, main
from launch.command_line import cli
from vladser.corpora import manifest
from vladser.errors import InputError
from vladser.features import audio, extraction

pytest_plugins = "predicting"
pytestmark = [
    pytest.mark.fault("audio"),
    pytest.mark.usefixtures("quick_workers"),
    pytest.mark.slow,
]

TONE = 0.3 * np.sin(np.arange(16000) * 0.1)
# What is written, and what is said; whether the header shows it.
BAD = {
    "text": ("words", "is not audio that libsndfile can read, or cut short: ", True),
    "missing": (None, "cannot be read: No such file or directory", True),
    "short": (TONE[:160], "has 160 samples at 16000 Hz: expected at least 960", True),
    "half": (TONE, "is cut short: 50.0 % is there", True),
    "silent": (0 * TONE, audio.SILENT, False),
    "nan": (TONE * np.nan, "a sample is nan: expected finite samples", False),
}
NOTED = {
    "loud": (6 * TONE, audio.EXCEEDS),
    "cancel": (np.stack([TONE, -TONE], 1), audio.CANCELS),
}


@pytest.fixture
def corpus(tmp_path):
    """A corpus with bad audio and with audio that is noted; its manifest."""
    file = launching.write_corpus(tmp_path / "toy")
    rows = []
    for name, (content, *_) in {**BAD, **NOTED}.items():
        place = file.parent / f"{name}.wav"
        if isinstance(content, str):
            place.write_text(content)
        elif content is not None:
            soundfile.write(place, content, 16000, "FLOAT")
        if name == "half":
            whole = place.read_bytes()
            place.write_bytes(whole[: len(whole) - 32000])
        rows.append([place.name, "s0", "sad", "t0", "train"])
    with file.open("a", newline="") as manifest:
        csv.writer(manifest).writerows(rows)
    return file


@pytest.fixture
def said(corpus, tmp_path, capsys):
    def said(program, *argv):
        """The status, and the lines about audio."""
        given = f"--data_dir={corpus}", f"--cache_dir={tmp_path / 'cache'}"
        run = "--corpus=manifest", f"--run_dir={tmp_path / 'run'}", *launching.SMALL
        status = cli.run(program.main, program.Settings, "", [*given, *run, *argv])
        lines = capsys.readouterr().err.splitlines()
        last = lines[-1]
        return status, last, [line for line in lines if ".wav" in line]

    return said


def test_runs_audits_and_dry_runs_say_the_same(said, corpus):
    for program, argv in (main, []), (audit, []), (main, ["--dry_run"]):
        status, last, lines = said(program, *argv)
        expected = [name for name, bad in BAD.items() if bad[2] or not argv]
        assert status == 1 and last == (
            f"error: {len(expected)} of 40 utterances have no usable audio, see above: "
            "fix them, or pass --on_bad_audio=skip"
        )
        bad = [line for line in lines if line.startswith("bad audio")]
        assert len(bad) == len(expected)
        for name, line in zip(sorted(expected), sorted(bad), strict=True):
            file = corpus.with_name(f"{name}.wav")
            assert line.startswith(f"bad audio: {file}: {BAD[name][1]}")
        notes = sorted(line for line in lines if line.startswith("note"))
        assert notes == (
            []
            if argv
            else sorted(
                f"note: 1 file (such as {corpus.with_name(f'{name}.wav')}): {note}"
                for name, (_, note) in NOTED.items()
            )
        )


def test_what_is_bad_for_several_features_is_said_once(said, corpus):
    several = "--grid=features=logmel,han30,vladser147", "--on_bad_audio=skip"
    for program, argv in (audit, []), (main, ["--dry_run"]):
        status, last, lines = said(program, *several, *argv)
        assert status == 0, last
        bad = [line for line in lines if line.startswith("bad audio")]
        expected = [n for n, b in BAD.items() if b[2] or not argv]
        assert len(bad) == len({*bad}) == len(expected)


def test_predictions_say_the_same(corpus, call):
    files = [
        corpus.with_name(f"{name}.wav") for name in BAD if BAD[name][0] is not None
    ]
    noted = [corpus.with_name(f"{name}.wav") for name in NOTED]
    for _ in range(2):  # the second time the features are cached, and the notes
        status, out, err = call("--format=csv", *files, *noted)
        assert status == 1 and len(out.splitlines()) == 1 + len(noted)
        *lines, last = err.splitlines()
        assert last == "error: 5 of 7 files could not be classified"
        reasons = [BAD[file.stem][1] for file in files]
        reasons += [f"note: {NOTED[file.stem][1]}" for file in noted]
        for file, reason, line in zip([*files, *noted], reasons, lines, strict=True):
            assert line.startswith(f"{file}: {reason}")


@pytest.mark.fault("libraries")
def test_a_library_that_does_not_load_is_blamed_on_no_file(said, monkeypatch, tmp_path):
    """By workers as programs start them, for which PYTHONPATH hides the library."""
    monkeypatch.undo()
    for name, error in {
        "opensmile": "OSError('libSMILEapi.so: cannot open shared object file')",
        "soundfile": "OSError('sndfile library not found')",
        "audresample": "ImportError('DLL load failed')",
    }.items():
        folder = tmp_path / f"without_{name}"
        folder.mkdir()
        (folder / f"{name}.py").write_text(f"raise {error}")
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(folder))
            status, last, lines = said(main, f"--cache_dir={folder / 'cache'}")
        message = error.split("'")[1]
        assert status == 1 and not lines
        assert last.startswith("error: ") and message in last
        assert last.endswith(f": pip install --force-reinstall {name}")


def crash(signal):
    raise RuntimeError("for every signal")


def always():
    return crash


@pytest.mark.fault("libraries")
def test_features_that_fail_on_any_signal_are_blamed_on_no_file(corpus, tmp_path):
    utterances = manifest.read(corpus).utterances
    broken = extraction.DEFAULT._replace(setup=always)
    with pytest.raises(InputError, match=r"fail on noise.*for every signal"):
        extraction.extract(utterances, tmp_path / "cache", features=broken)
