import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser.errors import InputError
from vladser.features import audio, extraction, pool, worker
from vladser.features.extraction import DEFAULT, extract
from vladser.types import Utterance

COMPUTE = worker.compute

pytestmark = pytest.mark.usefixtures("quick_workers")


def utterance(file, id=None, **segment):
    return Utterance(id or file.stem, file, "speaker", "neutral", **segment)


@pytest.fixture
def speech(tmp_path):
    """Makes utterances of noise, of half a second each."""

    def make(*ids, seconds=0.5):
        random = np.random.default_rng(len(ids))
        for id in ids:
            noise = random.uniform(-0.5, 0.5, round(seconds * 16000))
            soundfile.write(tmp_path / f"{id}.wav", noise, 16000)
        return [utterance(tmp_path / f"{id}.wav") for id in ids]

    return make


@pytest.fixture
def cache_dir(tmp_path):
    return tmp_path / "cache"


def entries(cache_dir):
    return [*cache_dir.rglob("*.npy")]


@pytest.mark.slow
def test_all_good_and_all_bad_utterances_are_found(
    speech, tmp_path, cache_dir, monkeypatch
):
    # By workers as the program starts them.
    monkeypatch.setattr(pool, "get_context", multiprocessing.get_context)
    good = speech("b", "a")
    text = tmp_path / "text.wav"
    text.write_text("words")
    short = speech("short", seconds=0.01)
    copy = utterance(good[0].file, "copy")
    missing = utterance(tmp_path / "missing.wav")
    utterances = [missing, good[0], utterance(text), copy, *short, good[1]]
    steps = []

    found = extract(utterances, cache_dir, workers=2, progress=steps.append)
    assert steps == [1] * len(utterances)
    assert (found.computed, found.cached) == (3, 0)
    assert list(found.features) == ["b", "copy", "a"]
    smile = DEFAULT.setup()
    for each in *good, copy:
        expected = smile(audio.load(each.file))
        np.testing.assert_array_equal(found.features[each.id], expected)
    reasons = {"missing": "No such file", "text": "not audio", "short": "160 samples"}
    assert list(found.bad) == list(reasons)
    for id, reason in reasons.items():
        assert reason in found.bad[id] and "\n" not in found.bad[id]
        assert found.bad[id].startswith(str(tmp_path))

    again = extract(utterances, cache_dir)
    assert (again.computed, again.cached, again.bad) == (0, 3, found.bad)
    np.testing.assert_array_equal(again.features.frames, found.features.frames)


@pytest.mark.slow
def test_cached_features_need_no_process_and_no_audio_package(speech, cache_dir):
    (one,) = speech("a")
    extract([one], cache_dir, workers=1)
    program = f"""
import multiprocessing, sys
from importlib import metadata
from pathlib import Path
for package in "opensmile", "soundfile", "audresample":
    sys.modules[package] = None
def version(package):
    raise metadata.PackageNotFoundError(package)
metadata.version = version
multiprocessing.process.BaseProcess.start = None
from vladser.features.extraction import DEFAULT, extract
from vladser.types import Utterance
one = Utterance("a", Path({str(one.file)!r}), "speaker", "neutral")
found = extract([one], Path({str(cache_dir)!r}))
assert found.cached == 1 and DEFAULT.dim == found.features["a"].shape[1]
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_the_cache_lacks_needs_opensmile(speech, cache_dir):
    missing = DEFAULT._replace(setup=partial(import_module, "no_opensmile"))
    with pytest.raises(InputError, match=r"No module named.* pip install opensmile"):
        extract(speech("a"), cache_dir, features=missing)


def fail_on_purpose(jobs, features, max_seconds):
    ids = [utterance.id for utterance, _ in jobs]
    if "crash" in ids:
        time.sleep(1)  # so that the pool knows, on a busy machine too, who does what
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise" in ids:
        raise RuntimeError("openSMILE ran into something")
    if "hang" in ids:
        time.sleep(600)
    return COMPUTE(jobs, features, max_seconds)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [True, False])
def test_a_crash_a_failure_and_a_hang_cost_one_file_each(
    speech, cache_dir, monkeypatch, keep
):
    monkeypatch.setattr(worker, "compute", fail_on_purpose)
    monkeypatch.setattr(pool, "_PATIENCE", 4.0)
    utterances = speech("a", "crash", "b", "hang", "c", "raise", "d")
    how = {"workers": 2, "keep": keep, "max_seconds": 1.0}
    with extraction.started(utterances, cache_dir, **how) as outcomes:
        done = {one.utterance.id: one.features for one in chain(*outcomes)}
    bad = {id: str(o) for id, o in done.items() if isinstance(o, audio.BadAudio)}
    assert set(bad) == {"crash", "hang", "raise"} and len(done) == 7
    assert "openSMILE ran into something" in bad["raise"]
    assert "ProcessExpired" in bad["crash"] and "Timeout" in bad["hang"]


def together(folder, extract, signals):
    """Notes how long the signals are; crashes at one."""
    lengths = [len(signal) for signal in signals]
    (folder / f"{time.monotonic_ns()}").write_text(json.dumps(lengths))
    if 12345 in lengths:
        time.sleep(1)  # see above
        os.kill(os.getpid(), signal.SIGSEGV)
    return map(extract, signals)


@pytest.mark.slow
def test_a_batch_that_crashes_costs_one_file(speech, cache_dir, tmp_path):
    """Of a network, which is given utterances of similar length."""
    folder = tmp_path / "batches"
    folder.mkdir()
    lengths = {f"{n}": 12005 + 20 * n for n in range(9)} | {
        f"{n}": 30000 + 700 * (-n % 17) for n in range(10, 20)
    }
    lengths |= {"long": 40000, "crash": 12345}
    utterances = [
        speech(id, seconds=lengths[id] / 16000)[0]
        for id in sorted(lengths, key=lambda id: id[::-1])
    ]
    features = DEFAULT._replace(batch=partial(together, folder))
    found = extract(utterances, cache_dir, features=features, workers=2)
    assert [*found.bad] == ["crash"] and "ProcessExpired" in found.bad["crash"]
    alone = extract(utterances[:3], cache_dir / "alone", workers=1).features
    for id, frames in alone.items():
        np.testing.assert_array_equal(found.features[id], frames)
    batches = [json.loads(file.read_text()) for file in folder.iterdir()]
    several = sorted((b for b in batches if len(b) > 1), reverse=True)
    assert [*chain(*several)] == sorted(lengths.values(), reverse=True)
    assert {*map(len, several)} == {8, 5}
    (crashed,) = (b for b in several if 12345 in b)
    again = sorted((b for b in batches if len(b) == 1), reverse=True)
    assert [*chain(*again)] == crashed


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(speech, cache_dir, tmp_path):
    (one,) = speech("a")
    script = tmp_path / "script.py"
    script.write_text(f"""
from pathlib import Path
from vladser.features.extraction import extract
from vladser.types import Utterance
extract([Utterance("a", Path({str(one.file)!r}), "s", "sad")], Path({str(cache_dir)!r}))
""")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith(
        "vladser.errors.InputError: no worker process starts: a script needs `if __name"
    )


def test_an_interrupted_extraction_goes_on_where_it_was(speech, cache_dir):
    def interrupt(count):
        raise KeyboardInterrupt

    utterances = speech(*"abcd")
    with pytest.raises(KeyboardInterrupt):
        extract(utterances, cache_dir, workers=1, progress=interrupt)
    assert not multiprocessing.active_children()
    finished = len(entries(cache_dir))
    assert finished >= 1
    found = extract(utterances, cache_dir, workers=1)
    assert (found.computed, found.cached) == (4 - finished, finished)


def test_what_changed_or_is_new_is_computed_and_the_rest_is_shared(speech, cache_dir):
    utterances = speech("a", "b", "c")
    before = extract(utterances[:2], cache_dir, workers=1)
    soundfile.write(utterances[0].file, np.sin(np.arange(8000)), 16000)
    found = extract(utterances[::-1], cache_dir, workers=1)
    assert (found.computed, found.cached) == (2, 1)
    assert list(found.features) == ["c", "b", "a"]
    np.testing.assert_array_equal(found.features["b"], before.features["b"])
    assert (found.features["a"] != before.features["a"]).any()
    there = [path for path in cache_dir.rglob("*") if path.is_file()]
    assert sorted(there) == sorted(entries(cache_dir)) and len(there) == 4


def test_a_cache_that_is_only_read_works(speech, cache_dir, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    utterances = speech("a", "b")
    first = extract(utterances, cache_dir, workers=1)
    for place, names in (Path, ("mkdir", "replace", "unlink")), (os, ("utime",)):
        for name in names:
            monkeypatch.setattr(place, name, refuse)
    found = extract(utterances, cache_dir)
    assert found.cached == 2
    np.testing.assert_array_equal(found.features.frames, first.features.frames)


def test_a_segment_is_a_signal_of_its_own(speech, cache_dir):
    (whole,) = speech("a", seconds=1.0)
    parts = [
        utterance(whole.file, "first", end=0.5),
        utterance(whole.file, "second", start=0.5),
    ]
    extract([whole, *parts], cache_dir, workers=1)
    found = extract([whole, *parts], cache_dir, max_seconds=0.99)
    assert found.cached == 2 and "expected at most 0.99 s" in found.bad["a"]
    smile, signal = DEFAULT.setup(), audio.load(whole.file)
    np.testing.assert_array_equal(found.features["first"], smile(signal[:8000]))
    np.testing.assert_array_equal(found.features["second"], smile(signal[8000:]))


def test_a_cache_that_cannot_be_written_is_an_error(speech, cache_dir):
    cache_dir.write_text("a file")
    with pytest.raises(InputError, match=f"{cache_dir}.* cannot be written"):
        extract(speech("a"), cache_dir, workers=1)


@pytest.mark.skipif("VLADSER_EMODB" not in os.environ, reason="EMO-DB is not here")
def test_emodb_is_good_audio(cache_dir):
    files = sorted(Path(os.environ["VLADSER_EMODB"], "wav").glob("*.wav"))
    found = extract(map(utterance, files), cache_dir)
    assert found.computed == 535 and not found.bad
    four = [features for id, features in found.features.items() if id[5] in "WFTN"]
    assert sum(map(len, four)) == 93_847
