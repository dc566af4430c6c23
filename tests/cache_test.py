import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser.errors import InputError
from vladser.features import cache, extraction
from vladser.types import Utterance

pytestmark = [pytest.mark.usefixtures("quick_workers"), pytest.mark.fault("cache")]

FEATURES = extraction.DEFAULT
ARRAY = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)


@pytest.fixture
def entry(tmp_path):
    return tmp_path / "set" / "entry.npy"


def test_an_entry_reads_as_it_was_written_and_numpy_reads_it_too(entry):
    assert cache.read(entry) is None
    cache.write(entry, ARRAY, 77)
    os.utime(entry, (1, 1))
    assert cache.read(entry) == (77, ())
    assert entry.stat().st_mtime > 1  # it was used
    for notes in (), ("two", "lines, of any lettérs"):
        cache.write(entry, ARRAY, 77, notes)
        assert cache.read(entry) == (77, notes)
        for mode in None, "r":
            np.testing.assert_array_equal(np.load(entry, mmap_mode=mode), ARRAY)
    assert list(entry.parent.iterdir()) == [entry]


def describe():
    return lambda signal: ARRAY


def rows(samples):
    return len(ARRAY)


@pytest.fixture
def extract(tmp_path):
    """Extracts features of one utterance, without openSMILE."""
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(1600)), 16000)
    one = Utterance("a", tmp_path / "a.wav", "s", "sad")
    features = FEATURES._replace(setup=describe, frames=rows, dim=ARRAY.shape[1])
    return partial(extraction.extract, [one], tmp_path, features=features)


@pytest.mark.slow
def test_no_damage_reaches_the_features(tmp_path, extract):
    assert extract().computed == 1
    (entry,) = tmp_path.rglob("*.npy")
    whole = entry.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        for damaged in flipped, whole[:place], whole + b"\0", bytes(len(whole)):
            entry.unlink()  # it may be mapped
            entry.write_bytes(damaged)
            assert cache.read(entry) is None
    found = extract()
    assert found.computed == 1 and entry.read_bytes() == whole
    np.testing.assert_array_equal(found.features["a"], ARRAY)


def test_a_reader_sees_whole_entries_while_many_write(entry):
    cache.write(entry, ARRAY, 77)
    with ThreadPoolExecutor(8) as threads:
        writers = [threads.submit(cache.write, entry, ARRAY, 77) for _ in range(40)]
        while not all(writer.done() for writer in writers):
            assert cache.read(entry) == (77, ())
    assert not any(writer.exception() for writer in writers)
    assert list(entry.parent.iterdir()) == [entry]


def test_a_failed_write_leaves_the_old_entry_and_says_why(entry, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    cache.write(entry, ARRAY, 77)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=f"{entry.parent}.*No space left"):
        cache.write(entry, ARRAY, 1)
    assert cache.read(entry) == (77, ())
    assert list(entry.parent.iterdir()) == [entry]


@pytest.mark.parametrize(
    ("limit", "keep", "left"),
    [(4000, "", "abcd"), (2500, "", "bc"), (1000, "db", "bd")],
)
def test_what_was_not_used_for_the_longest_goes_first_but_what_is_to_keep_stays(
    tmp_path, monkeypatch, limit, keep, left
):
    folder = cache.folder(tmp_path, "set")
    folder.mkdir(parents=True)
    for second, name in enumerate("dacb"):
        (folder / name).write_bytes(bytes(1000))
        os.utime(folder / name, (second, second))
    (tmp_path / "other").write_bytes(bytes(9000))
    monkeypatch.setattr(cache, "LIMIT", limit)
    cache.trim(tmp_path, [folder / name for name in keep])
    assert {path.name for path in folder.iterdir()} == set(left)
    assert (tmp_path / "other").exists()


def test_an_extraction_trims_the_cache_but_not_its_own_entries(
    tmp_path, monkeypatch, extract
):
    old = cache.folder(tmp_path, FEATURES.id) / "old.npy"
    cache.write(old, ARRAY, 77)
    monkeypatch.setattr(cache, "LIMIT", 100)

    extract()
    assert not old.exists()
    assert extract().cached == 1


def test_nor_those_of_the_other_features_of_a_run(tmp_path, monkeypatch, extract):
    """Which may stay in their files."""
    monkeypatch.setattr(cache, "LIMIT", 100)
    in_use = set()
    how = {"most": 0, "in_use": in_use}
    first = extract(**how)
    for id in "b", "c":
        features = FEATURES._replace(
            id=id, setup=describe, frames=rows, dim=ARRAY.shape[1]
        )
        extract(features=features, **how)
    np.testing.assert_array_equal(first.features.frames[0 : len(ARRAY)], ARRAY)
    assert len(in_use) == 3 and in_use == {*tmp_path.rglob("*.npy")}


def test_features_are_named_by_the_installed_opensmile_or_the_newest_in_the_cache(
    tmp_path, monkeypatch
):
    def missing(package):
        raise metadata.PackageNotFoundError(package)

    for version in "2.9.1", "2.10.0", "2.6.0":
        name = f"{FEATURES.id}/opensmile-{version}"
        cache.folder(tmp_path, name).mkdir(parents=True)
    cache.folder(tmp_path, "other-config/opensmile-3.0").mkdir(parents=True)
    here = f"{FEATURES.id}/opensmile-{metadata.version('opensmile')}"
    assert cache.identify(FEATURES, tmp_path) == here
    monkeypatch.setattr(metadata, "version", missing)
    assert cache.identify(FEATURES, tmp_path) == f"{FEATURES.id}/opensmile-2.10.0"
