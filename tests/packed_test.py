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


@pytest.mark.parametrize("most", [0, packed.MOST])
def test_columns_are_read_from_the_file_of_all(tmp_path, most):
    np.save(tmp_path / "a.npy", ARRAYS["a"])
    one = packed.Columns(tmp_path / "a.npy", [2, 0])
    joined = packed.join({"a": one}, most)
    assert isinstance(joined.frames, np.ndarray) == bool(most)
    assert joined.frames.shape == (18, 2)
    np.testing.assert_array_equal(joined.frames[2:9], ARRAYS["a"][2:, [2, 0]])
    np.testing.assert_array_equal(packed.load(joined["a"]), ARRAYS["a"][:, [2, 0]])


@pytest.mark.parametrize("shape", [(8, 3), (1, 3), (9, 1)])
def test_a_file_of_another_shape_than_before_is_not_read(tmp_path, shape):
    """Its frames would be cut off, repeated or those of the memory."""
    file = tmp_path / "a.npy"
    np.save(file, ARRAYS["a"])
    frames = packed.join({"a": file}, 0).frames
    np.save(file, np.ones(shape))
    with pytest.raises(InputError, match=r"a\.npy was changed while it was used"):
        frames[0:9]
