from pathlib import Path

import numpy as np
import pytest

from vladser.errors import InputError
from vladser.features import cache, packing


@pytest.fixture
def features():
    draw = np.random.default_rng(0)
    lengths = {"one": 2, "two": 4, "three": 1}
    return {
        name: draw.normal(size=(length, 2)).astype(np.float32)
        for name, length in lengths.items()
    }


@pytest.fixture
def entries(tmp_path, features):
    return {
        name: cache.write(tmp_path / f"digest-of-{name}", cache.Entry(array, 1000))
        for name, array in features.items()
    }


@pytest.fixture
def pack(tmp_path, entries):
    """The one file that holds all entries."""
    packing.write(tmp_path, entries)
    (file,) = tmp_path.glob("packed-*")
    return file


def check(found, features):
    assert list(found) == list(features)
    for name, array in features.items():
        np.testing.assert_array_equal(found[name], array)
    np.testing.assert_array_equal(found.frames[found.length.sum() :], np.zeros((4, 2)))


def is_mapped(array):
    return array is not None and (
        isinstance(array, np.memmap) or is_mapped(getattr(array, "base", None))
    )


def test_a_pack_is_mapped_as_it_was_written(tmp_path, entries, features):
    assert packing.read(tmp_path, entries) is None
    written = packing.write(tmp_path, entries)
    for found in (written, packing.read(tmp_path, entries)):
        check(found, features)
        assert is_mapped(found.frames) and not found.frames.flags.writeable
        assert found.frames.ctypes.data % 64 == 0


def test_a_pack_is_that_of_its_entries_in_their_order(
    tmp_path, entries, features, pack
):
    def is_packed(**changed):
        return packing.read(tmp_path, {**entries, **changed}) is not None

    one, two = entries["one"], entries["two"]
    other = cache.write(one.path, cache.Entry(features["one"] + 1, 1000))
    assert is_packed()
    assert not is_packed(one=other)
    assert not is_packed(one=two, two=one)
    assert not is_packed(one=one._replace(path=tmp_path / "other"))
    assert not is_packed(four=two)
    assert packing.read(tmp_path, {"one": one}) is None


@pytest.mark.slow
def test_a_pack_with_a_flipped_bit_or_cut_short_is_not_read(tmp_path, entries, pack):
    whole = pack.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        # Minus zero is the one damage to the zeros at the end that does no harm.
        if not np.array_equal(
            np.frombuffer(damaged, "<f4"), np.frombuffer(whole, "<f4")
        ):
            pack.write_bytes(damaged)
            assert packing.read(tmp_path, entries) is None
    for size in range(len(whole)):
        pack.write_bytes(whole[:size])
        assert packing.read(tmp_path, entries) is None


def test_a_damaged_pack_is_replaced_under_those_who_map_it(
    tmp_path, entries, features, pack
):
    mapped = packing.read(tmp_path, entries)
    packing.write(tmp_path, entries)
    check(mapped, features)
    check(packing.read(tmp_path, entries), features)
    assert list(tmp_path.glob("packed-*")) == [pack]


def test_where_no_file_can_be_written_the_features_lie_in_memory(
    tmp_path, entries, features, monkeypatch
):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    check(packing.write(tmp_path, entries), features)
    assert len(list(tmp_path.iterdir())) == len(entries)


def test_an_entry_damaged_meanwhile_is_an_error(tmp_path, entries):
    entries["two"].path.write_bytes(b"")
    with pytest.raises(InputError, match="digest-of-two was damaged"):
        packing.write(tmp_path, entries)
    assert not list(tmp_path.glob("*packed-*"))
