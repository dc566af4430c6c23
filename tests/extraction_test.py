import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import opensmile
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser.errors import InputError
from vladser.features import audio, cache, computing, extraction
from vladser.features.extraction import extract
from vladser.features.smile import Smile
from vladser.types import Utterance

COMPUTE = computing._compute

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
    return [path for path in cache_dir.glob("*/*/[0-9a-f]*") if path.is_file()]


@pytest.mark.slow
def test_all_good_and_all_bad_utterances_are_found(
    speech, tmp_path, cache_dir, monkeypatch
):
    # By workers as the program starts them.
    monkeypatch.setattr(computing, "get_context", multiprocessing.get_context)
    good = speech("b", "a")
    text = tmp_path / "text.wav"
    text.write_text("words")
    short = speech("short", seconds=0.01)
    copy = utterance(good[0].file, "copy")
    missing = utterance(tmp_path / "missing.wav")
    folder = utterance(tmp_path, "folder")
    utterances = [missing, good[0], utterance(text), copy, *short, folder, good[1]]
    steps = []

    found = extract(utterances, cache_dir, workers=2, progress=steps.append)
    assert steps == [1] * len(utterances)
    assert (found.computed, found.cached) == (3, 0)
    assert list(found.features) == ["b", "copy", "a"]
    smile = Smile()
    for each in good:
        expected = smile(audio.load(each.file))
        np.testing.assert_array_equal(found.features[each.id], expected)
    np.testing.assert_array_equal(found.features["copy"], found.features["b"])
    assert list(found.bad) == ["missing", "text", "short", "folder"]
    for id, reason in zip(
        found.bad, ["No such file", "not audio", "160 samples", "folder"], strict=True
    ):
        assert reason in found.bad[id] and "\n" not in found.bad[id]
        assert found.bad[id].startswith(str(tmp_path))

    again = extract(utterances, cache_dir, workers=2, progress=steps.append)
    assert steps == [1] * len(utterances) * 2
    assert (again.computed, again.cached) == (0, 3)
    assert again.bad == found.bad
    assert again.feature_set == found.feature_set
    for id, features in found.features.items():
        np.testing.assert_array_equal(again.features[id], features)


@pytest.mark.slow
def test_cached_features_need_no_process_and_no_audio_package(speech, cache_dir):
    utterances = speech("a", "b")
    extract(utterances, cache_dir, workers=1)
    program = f"""
import sys
for package in "opensmile", "soundfile", "audresample":
    sys.modules[package] = None
from importlib import metadata
from pathlib import Path
def version(package):
    raise metadata.PackageNotFoundError(package)
metadata.version = version
import multiprocessing
multiprocessing.process.BaseProcess.start = None
from vladser.features import extract, sets
from vladser.types import Utterance
files = map(Path, {[str(each.file) for each in utterances]})
utterances = [Utterance(file.stem, file, "speaker", "neutral") for file in files]
found = extract(utterances, Path({str(cache_dir)!r}))
assert found.cached == 2 and found.computed == 0 and not found.bad
assert len(sets.find("vladser147").names) == found.features["a"].shape[1]
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_the_cache_lacks_needs_opensmile(speech, cache_dir, monkeypatch):
    monkeypatch.setattr(extraction, "find_spec", lambda package: None)
    with pytest.raises(InputError, match=r"lacks 2 utterances.* pip install opensmile"):
        extract(speech("a", "b"), cache_dir)


def fail_on_purpose(group, features, max_seconds):
    ids = {utterance.id for utterance, path in group}
    if "crash" in ids:
        time.sleep(1)  # so that the pool knows, on a busy machine too, who does what
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise" in ids:
        raise RuntimeError("openSMILE ran into something")
    if "hang" in ids:
        time.sleep(600)
    return COMPUTE(group, features, max_seconds)


def in_groups_of(size, monkeypatch):
    monkeypatch.setattr(computing, "_compute", fail_on_purpose)
    monkeypatch.setattr(
        computing,
        "_groups",
        lambda jobs, _: [jobs[n : n + size] for n in range(0, len(jobs), size)],
    )


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3])
def test_a_crash_and_a_failure_cost_one_file_each(speech, cache_dir, monkeypatch, size):
    in_groups_of(size, monkeypatch)
    if size == 1:  # with workers that start as the program's do
        monkeypatch.setattr(computing, "get_context", multiprocessing.get_context)
    utterances = speech("a", "crash", "b", "c", "raise", "d")
    found = extract(utterances, cache_dir, workers=2)
    assert list(found.features) == list("abcd")
    assert list(found.bad) == ["crash", "raise"]
    assert "openSMILE ran into something" in found.bad["raise"]
    assert "crashed" in found.bad["crash"]


@pytest.mark.slow
def test_a_hang_costs_one_file(speech, cache_dir, monkeypatch):
    in_groups_of(1, monkeypatch)
    monkeypatch.setattr(computing, "_PATIENCE", 4.0)
    utterances = speech("a", "hang", "b", "c")
    found = extract(utterances, cache_dir, workers=2, max_seconds=1.0)
    assert list(found.features) == list("abc")
    assert "after 5 s" in found.bad["hang"]


@pytest.mark.parametrize("files", [1, 2, 7, 8, 9, 100])
@pytest.mark.parametrize("workers", [1, 2, 64])
def test_every_file_is_in_one_group_and_the_last_are_small(files, workers):
    groups = list(computing._groups(range(files), workers))
    assert [file for group in groups for file in group] == list(range(files))
    sizes = [len(group) for group in groups]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 1


def test_an_interrupted_extraction_goes_on_where_it_was(speech, cache_dir):
    def interrupt(count):
        raise KeyboardInterrupt

    utterances = speech(*"abcd")
    with pytest.raises(KeyboardInterrupt):
        extract(utterances, cache_dir, workers=1, progress=interrupt)
    finished = len(entries(cache_dir))
    assert finished >= 1
    found = extract(utterances, cache_dir, workers=1)
    assert (found.computed, found.cached) == (4 - finished, finished)


def test_changed_audio_and_damaged_entries_are_computed_again(speech, cache_dir):
    utterances = speech("a", "b")
    before = extract(utterances, cache_dir, workers=1)
    for entry in entries(cache_dir):
        entry.write_bytes(entry.read_bytes()[:9])
    repaired = extract(utterances, cache_dir, workers=1)
    assert (repaired.computed, repaired.cached) == (2, 0)
    np.testing.assert_array_equal(repaired.features["b"], before.features["b"])

    soundfile.write(utterances[0].file, np.zeros(8000), 16000)
    changed = extract(utterances, cache_dir, workers=1)
    assert (changed.computed, changed.cached) == (1, 1)
    assert (changed.features["a"] != before.features["a"]).any()


def test_a_cached_entry_longer_than_max_seconds_is_bad(speech, cache_dir):
    utterances = speech("a", seconds=1.0)
    extract(utterances, cache_dir, workers=1)
    found = extract(utterances, cache_dir, max_seconds=0.99)
    assert "1.000 s: at most 0.99 s" in found.bad["a"]
    assert not found.features and found.cached == found.computed == 0


def packs(cache_dir):
    return list(cache_dir.glob("*/*/packed-*"))


def unreadable(path):
    raise AssertionError(f"{path} was read")


def test_a_second_run_maps_one_file_and_reads_no_entry(speech, cache_dir, monkeypatch):
    utterances = speech("a", "b", "c")
    first = extract(utterances, cache_dir, workers=1)
    assert len(packs(cache_dir)) == 1
    monkeypatch.setattr(cache, "read", unreadable)
    second = extract(utterances, cache_dir)
    assert second.cached == 3
    np.testing.assert_array_equal(second.features.frames, first.features.frames)
    assert not second.features.frames.flags.writeable


def test_part_of_a_corpus_and_more_of_it_have_packs_of_their_own(speech, cache_dir):
    utterances = speech("a", "b", "c")
    part = extract(utterances[:2], cache_dir, workers=1)
    whole = extract(utterances[::-1], cache_dir, workers=1)
    assert (whole.computed, whole.cached) == (1, 2)
    assert list(whole.features) == ["c", "b", "a"]
    np.testing.assert_array_equal(whole.features["a"], part.features["a"])
    assert len(packs(cache_dir)) == 2


def test_bad_audio_does_not_hinder_the_pack(speech, tmp_path, cache_dir, monkeypatch):
    utterances = [*speech("a", "b"), utterance(tmp_path / "missing.wav", "missing")]
    extract(utterances, cache_dir, workers=1)
    monkeypatch.setattr(cache, "read", unreadable)
    assert list(extract(utterances, cache_dir).features) == ["a", "b"]


def test_a_damaged_pack_is_made_again_and_an_entry_too_where_it_is_needed(
    speech, cache_dir
):
    utterances = speech("a", "b")
    first = extract(utterances, cache_dir, workers=1)
    (pack,) = packs(cache_dir)
    whole = pack.read_bytes()
    for entry in entries(cache_dir)[:1]:
        entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert extract(utterances, cache_dir).cached == 2

    pack.unlink()
    pack.write_bytes(whole[:5] + b"?" + whole[6:])
    again = extract(utterances, cache_dir, workers=1)
    assert (again.computed, again.cached) == (1, 1)
    np.testing.assert_array_equal(again.features.frames, first.features.frames)
    assert pack.read_bytes() == whole


def test_a_cache_that_is_only_read_works_packed_or_not(speech, cache_dir, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    utterances = speech("a", "b")
    first = extract(utterances, cache_dir, workers=1)
    for pack in (packs(cache_dir), []):
        assert packs(cache_dir) == pack
        with monkeypatch.context() as patch:
            for name in "mkdir", "replace", "unlink":
                patch.setattr(Path, name, refuse)
            found = extract(utterances, cache_dir)
        assert found.cached == 2
        np.testing.assert_array_equal(found.features.frames, first.features.frames)
        for file in pack:
            file.unlink()


def test_a_segment_is_a_signal_of_its_own(speech, cache_dir):
    (whole,) = speech("a", seconds=1.0)
    parts = [
        utterance(whole.file, "first", end=0.5),
        utterance(whole.file, "second", start=0.5),
        utterance(whole.file, "beyond", end=1.5),
    ]
    found = extract([whole, *parts], cache_dir, workers=1)
    signal = audio.load(whole.file)
    smile = Smile()
    np.testing.assert_array_equal(found.features["first"], smile(signal[:8000]))
    np.testing.assert_array_equal(found.features["second"], smile(signal[8000:]))
    assert "it lasts 1.000 s" in found.bad["beyond"]
    assert extract([whole, *parts], cache_dir, workers=1).cached == 3


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
    smile = Smile()
    peer = opensmile.Smile(smile.config, "lld", options=smile.options)
    for file in files[::20]:
        theirs = peer(audio.load(file), 16000)[0].T
        np.testing.assert_array_equal(found.features[file.stem], theirs)


def test_each_yields_what_extract_packs_and_packs_nothing(speech, tmp_path, cache_dir):
    good, missing = speech("a", "b", "c"), utterance(tmp_path / "missing.wav")
    first = dict(extraction.each(good[:1], cache_dir, workers=1))
    found = list(extraction.each([*good, missing], cache_dir, workers=2))
    assert found[0][0] == good[0]  # the cached one
    outcomes = {utterance.id: outcome for utterance, outcome in found}
    assert len(found) == len(outcomes) == 4
    assert "No such file" in str(outcomes.pop("missing"))
    assert not packs(cache_dir)
    np.testing.assert_array_equal(outcomes["a"], first[good[0]])
    packed = extract(good, cache_dir).features
    for id, features in outcomes.items():
        assert features.dtype == np.float32
        np.testing.assert_array_equal(features, packed[id])


def test_each_makes_damaged_entries_again(speech, cache_dir):
    utterances = speech("a")
    before = extract(utterances, cache_dir, workers=1).features["a"]
    (entry,) = entries(cache_dir)
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    ((_, again),) = extraction.each(utterances, cache_dir, workers=1)
    np.testing.assert_array_equal(again, before)


@pytest.mark.slow
def test_each_survives_a_crash(speech, cache_dir, monkeypatch):
    monkeypatch.setattr(computing, "_compute", fail_on_purpose)
    found = dict(extraction.each(speech("a", "crash", "b"), cache_dir, workers=2))
    bad = {utterance.id for utterance, o in found.items() if isinstance(o, Exception)}
    assert bad == {"crash"} and len(found) == 3


def test_each_that_is_closed_early_leaves_no_process(speech, cache_dir):
    results = extraction.each(speech(*"abcdefgh"), cache_dir, workers=2)
    next(results)
    results.close()
    assert not multiprocessing.active_children()
