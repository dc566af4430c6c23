import mmap

import numpy as np
import pytest

from vladser.errors import InputError
from vladser.features import packed

ARRAYS = {
    name: np.random.default_rng(length).normal(size=(length, 3)).astype(np.float32)
    for name, length in [("b", 4), ("a", 9), ("c", 1)]
}


def test_utterances_lie_end_to_end_before_zeros_and_are_views_of_the_buffer():
    joined = packed.join(ARRAYS)
    expected = np.concatenate([*ARRAYS.values(), np.zeros((9, 3))])
    np.testing.assert_array_equal(joined.frames, expected)
    assert joined.frames.dtype == np.float32 and list(joined) == ["b", "a", "c"]
    assert joined.offset.tolist() == [0, 4, 13] and joined.length.tolist() == [4, 9, 1]
    for name, array in joined.items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert np.shares_memory(array, joined.frames)
    assert len(packed.join({})) == 0


def test_files_are_joined_as_their_arrays(tmp_path, monkeypatch):
    monkeypatch.setattr(mmap, "ACCESS_READ", 9)  # no shared maps: networks, FUSE
    files = {name: tmp_path / f"{name}.npy" for name in ARRAYS}
    for name, array in ARRAYS.items():
        np.save(files[name], array)
    np.testing.assert_array_equal(packed.join(files).frames, packed.join(ARRAYS).frames)
    files["a"].unlink()
    with pytest.raises(InputError, match=r"a\.npy was damaged or removed"):
        packed.join(files)
