"""The loudest segments of an utterance."""

import math

import numpy as np

from vladser.contracts import Pieces
from vladser.options import Count, Share


def loudest(*, frames: Count = 25, share: Share = 0.1) -> Pieces:
    """Takes those segments of an utterance that have most energy.

    Han, Yu, Tashev 2014, "Speech Emotion Recognition Using Deep Neural Network and
    Extreme Learning Machine", section 2.1.

    Args:
      frames: of a segment, which begins at any frame; shorter utterances stay whole.
      share: of the segments that are taken, at least one.
    """

    def cut(energy):
        size = min(frames, len(energy))
        # Each sum by itself, so that segments alike are equally loud to the bit.
        loudness = np.lib.stride_tricks.sliding_window_view(energy, size).sum(axis=1)
        # Rounded: 0.07 * 100 is 7.000000000000001.
        count = max(1, math.ceil(round(share * len(loudness), 9)))
        # The first of equals, whatever the sort does: of digital silence, say.
        starts = np.sort(np.argsort(-loudness, kind="stable")[:count])
        return np.stack([starts, np.full(count, size)], axis=1)

    return Pieces(cut, by_energy=True)
