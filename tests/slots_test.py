"""Slots stay slices under vmap, and memory is not filled."""

import jax
import numpy as np
import pytest
from closeness import assert_equal

from vladser.engine import slots

DRAW = np.random.default_rng(0)


def _mapped(function, times):
    """Over the first axis of all but the index, which all share."""
    for _ in range(times):
        function = jax.vmap(function, in_axes=(0, 0, None))
    return jax.jit(function)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_slot_is_written_and_read_as_a_slice(times):
    lead = (2, 3)[:times]
    array, value = DRAW.normal(size=(*lead, 5, 4)), DRAW.normal(size=(*lead, 4))
    array, value = array.astype(np.float32), value.astype(np.float32)

    def there_and_back(array, value, index):
        written = slots.put({"a": array}, index, {"a": value})
        return written["a"], slots.get(written, index)["a"]

    program = _mapped(there_and_back, times)
    written, read = program(array, value, 3)
    expected = array.copy()
    expected[..., 3, :] = value
    assert_equal((written, read), (expected, value))
    text = program.lower(array, value, 3).as_text()
    assert "scatter" not in text and "gather" not in text


def test_what_is_alike_for_all_trials_is_written_for_each():
    array = np.zeros((2, 3, 1), np.float32)
    value = np.ones(1, np.float32)
    put = jax.jit(jax.vmap(slots.put, in_axes=(0, None, None)))
    assert put(array, 1, value)[:, 1].tolist() == [[1.0], [1.0]]


def test_memory_is_allocated_for_each_trial_and_not_filled():
    def of_trial(trial, _, index):
        return slots.allocate({"a": np.zeros(3, "f")}, 4, trial)["a"]

    program = _mapped(of_trial, 2)
    numbers = np.zeros((2, 5), np.float32)
    assert program(numbers, numbers, 0).shape == (2, 5, 4, 3)
    text = str(program.trace(numbers, numbers, 0).jaxpr)
    assert "f32[2,5,4,3] = empty" in text and "broadcast" not in text
