from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from vladser.errors import InputError
from vladser.features import cache, computing, extraction, sets
from vladser.types import Utterance

ID = sets.find("vladser147").id
ENTRY = cache.Entry(np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32), 77)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "set" / "entry"


def test_an_entry_reads_as_it_was_written(path):
    stored = cache.write(path, ENTRY)
    assert stored == cache.find(path)
    assert stored[:4] == (path, 77, 9, 4)
    features, samples = cache.read(path)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, ENTRY.features)
    assert samples == 77
    assert list(path.parent.iterdir()) == [path]


def test_no_entry_reads_as_none(path):
    assert cache.read(path) is None
    assert cache.find(path) is None


def test_a_truncated_entry_reads_as_none(path):
    cache.write(path, ENTRY)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert cache.read(path) is None
    path.write_bytes(whole + b"\0")
    assert cache.read(path) is None
    path.write_bytes(bytes(len(whole)))
    assert cache.read(path) is None


def test_an_entry_with_a_flipped_bit_reads_as_none(path):
    cache.write(path, ENTRY)
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert cache.read(path) is None
        in_values = bit // 8 >= len(whole) - ENTRY.features.nbytes
        assert (cache.find(path) is not None) == in_values


def damages(content):
    """Each byte with a flipped bit, and cut short before it."""
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        yield bytes(damaged)
        yield content[:place]


def replace(files):
    for path, content in files.items():
        path.unlink()  # for it may be mapped
        path.write_bytes(content)


@pytest.mark.slow
def test_no_damage_to_entries_or_pack_reaches_the_features(tmp_path, monkeypatch):
    truth = {name: ENTRY.features[:2] + n for n, name in enumerate("ab")}

    def compute(pending, features, max_seconds, workers):
        for utterance, path in pending:
            entry = cache.Entry(truth[utterance.id], 77)
            yield utterance, cache.write(path, entry)

    monkeypatch.setattr(computing, "compute", compute)
    utterances = [Utterance(name, tmp_path / name, "s", "sad") for name in truth]
    for utterance in utterances:
        utterance.file.write_text(utterance.id)

    def check():
        found = extraction.extract(utterances, tmp_path / "cache")
        for name, features in truth.items():
            np.testing.assert_array_equal(found.features[name], features)
        assert not found.features.frames[4:].any()
        return found.computed

    assert check() == 2
    files = {p: p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file()}
    pack = next(path for path in files if path.name.startswith("packed-"))
    entry = next(path for path in files if path != pack)
    for damaged in damages(files[entry]):
        replace(files | {entry: damaged})
        check()
        replace(files | {entry: damaged, pack: b""})
        assert check() == 1
        assert {path: path.read_bytes() for path in files} == files
    for damaged in damages(files[pack]):
        replace(files | {pack: damaged})
        assert check() == 0


def test_a_reader_sees_whole_entries_while_many_write(path):
    cache.write(path, ENTRY)
    with ThreadPoolExecutor(8) as threads:
        writers = [threads.submit(cache.write, path, ENTRY) for _ in range(40)]
        while not all(writer.done() for writer in writers):
            assert cache.read(path) is not None
    assert {writer.result() for writer in writers} == {cache.find(path)}
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_entry_and_says_why(path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    cache.write(path, ENTRY)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=f"{path.parent}.*No space left"):
        cache.write(path, ENTRY._replace(samples=1))
    assert cache.read(path).samples == 77
    assert list(path.parent.iterdir()) == [path]


def test_segments_have_entries_of_their_own(tmp_path):
    segments = [(None, None), (0, 1), (0, 1.5), (0.25, None), (1, 1.5)]
    paths = {cache.entry_path(tmp_path, "d", *segment) for segment in segments}
    assert len(paths) == len(segments)
    assert cache.entry_path(tmp_path, "d", None, 1) in paths
    assert cache.entry_path(tmp_path, "d", np.float64(0.25), None) in paths


def test_features_are_named_by_config_and_installed_opensmile(tmp_path):
    (tmp_path / ID / "opensmile-99.0").mkdir(parents=True)
    version = metadata.version("opensmile")
    assert cache.feature_set(tmp_path) == f"{ID}/opensmile-{version}"


def test_without_opensmile_the_newest_in_the_cache_is_used(tmp_path, monkeypatch):
    def missing(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(InputError, match="pip install opensmile"):
        cache.feature_set(tmp_path)
    for version in "2.9.1", "2.10.0", "2.6.0":
        (tmp_path / ID / f"opensmile-{version}").mkdir(parents=True)
    (tmp_path / "other-config" / "opensmile-3.0").mkdir(parents=True)
    assert cache.feature_set(tmp_path) == f"{ID}/opensmile-2.10.0"
