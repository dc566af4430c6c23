"""Damaged .npy files: each is read as it was or refused, and costs no other."""

import io

import numpy as np
from fuzzing import cases
from hypothesis import given
from hypothesis import strategies as st

from vladser.features.extraction import extract
from vladser.features.npy import npy
from vladser.types import Utterance

VALUES = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


WHOLE = io.BytesIO()
np.save(WHOLE, VALUES)


@st.composite
def damaged(draw):
    """A file of the magic, a header of text, and values; the header has most of it."""
    content = bytearray(WHOLE.getvalue())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(content) - 1) | st.integers(0, 75))
        kind = draw(st.sampled_from(["flip", "cut", "text", "insert"]))
        if kind == "cut":
            del content[max(place, 1) :]
        elif kind == "flip":
            content[place : place + 1] = [draw(st.integers(0, 255))]
        else:
            text = draw(st.sampled_from([*b"-9L('O8="]))
            content[place : place + (kind == "text")] = [text]
    return bytes(content)


@cases(5)
@given(st.lists(damaged() | st.binary(max_size=200), min_size=10, max_size=10))
def test_a_damaged_npy_costs_at_most_its_file(tmp_path_factory, contents):
    folder = tmp_path_factory.mktemp("npy")
    utterances = []
    for n, written in enumerate([WHOLE.getvalue(), *contents, WHOLE.getvalue()]):
        file = folder / f"{n}.npy"
        file.write_bytes(written)
        utterances.append(Utterance(file.name, file, "s", "sad"))
    found = extract(utterances, folder, features=npy(dim=3))
    for utterance in utterances[0], utterances[-1]:
        np.testing.assert_array_equal(found.features[utterance.id], VALUES)
    for utterance in utterances:
        if utterance.id in found.bad:
            reason = found.bad[utterance.id]
            assert reason.startswith(str(utterance.file)) and "\n" not in reason
        else:  # no more than the bits of some values differ
            values = found.features[utterance.id]
            assert np.isfinite(values).all() and values.shape[1] == 3
