"""Pieces, next to their definitions in loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vladser.pieces.first import first
from vladser.pieces.loudest import loudest
from vladser.pieces.whole import whole
from vladser.pieces.windows import windows

# Whole numbers: sums are exact, and segments often equally loud.
ENERGY = st.lists(st.integers(0, 5), min_size=1, max_size=40).map(
    lambda energy: np.array(energy, float)
)
COUNT = st.integers(1, 45)


def _spans(pieces, energy):
    return [tuple(span) for span in pieces.cut(energy).tolist()]


@given(ENERGY, COUNT)
def test_whole_utterances_and_their_beginnings(energy, frames):
    assert _spans(whole(), energy) == [(0, len(energy))]
    (span,) = _spans(first(frames=frames), energy)
    inside = list(range(len(energy)))[:frames]
    assert [*range(*span)] == inside  # from 0 on, the length is the end


@given(ENERGY, COUNT, COUNT)
def test_a_window_ends_at_every_hop_and_at_the_last_frame(energy, frames, hop):
    expected = []
    for count in range(1, len(energy) + 1):  # frames that are known
        if count % hop == 0 or count == len(energy):
            seen = range(count)[-frames:]
            expected.append((seen.start, len(seen)))
    assert _spans(windows(frames=frames, hop=hop), energy) == expected


@given(ENERGY, COUNT, COUNT, st.floats(0.1, 60))
def test_a_window_is_silence_by_the_level_of_its_last_frame(
    energy, frames, hop, silence
):
    made = windows(frames=frames, hop=hop, silence=silence)
    pieces = made.cut(energy)
    found = made.silent(energy, pieces).tolist()
    for (start, length), silent in zip(pieces, found, strict=True):
        last, most = energy[start + length - 1], max(energy)
        if last == most:
            assert not silent
        elif last == 0:
            assert silent
        elif (below := 10 * math.log10(most / last)) != pytest.approx(silence):
            assert silent == (below > silence)


def test_without_a_level_no_window_is_silence():
    assert windows().silent is None and not windows().by_energy
    assert windows(silence=30.0).by_energy and loudest().by_energy


@settings(max_examples=200)
@given(ENERGY, COUNT, st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_no_segment_that_is_left_out_is_louder_than_one_that_is_taken(
    energy, frames, share
):
    spans = _spans(loudest(frames=frames, share=share), energy)
    if len(energy) <= frames:
        assert spans == [(0, len(energy))]
        return
    starts = range(len(energy) - frames + 1)
    count = max(1, -int(-share * len(starts) // 1))
    loudness = {start: sum(energy[start : start + frames]) for start in starts}
    # By loudness, and of equals the first.
    ranked = sorted(starts, key=lambda start: (-loudness[start], start))
    assert spans == [(start, frames) for start in sorted(ranked[:count])]


@pytest.mark.parametrize("percent", [7, 14, 28, 55, 57])
def test_a_share_is_the_number_that_is_written(percent):
    """In binary, 0.07 x 100 is above 7."""
    pieces = loudest(frames=1, share=percent / 100)
    for hundreds in range(1, 40):
        assert len(pieces.cut(np.ones(100 * hundreds))) == percent * hundreds


@pytest.mark.parametrize("level", [0.0, 0.1, 1e-9])
def test_of_an_even_tone_the_first_segments_are_taken(level):
    spans = _spans(loudest(frames=3, share=0.1), np.full(42, level))
    assert spans == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("large", [10**6, 10**30])
def test_pieces_longer_than_any_utterance_are_whole(large):
    energy = np.ones(7)
    for made in (
        first(frames=large),
        windows(frames=large, hop=large),
        loudest(frames=large),
    ):
        assert _spans(made, energy) == [(0, 7)]
