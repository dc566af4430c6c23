"""Windows that move over an utterance."""

import numpy as np

from vladser.contracts import Pieces
from vladser.options import Count, NonNegative


def windows(
    *, frames: Count = 200, hop: Count = 100, silence: NonNegative = 0.0
) -> Pieces:
    """Takes a window that ends at every `hop`-th frame, and at the last.

    The class of a frame, from the frames before it: Fayek, Lech, Cavedon 2017,
    "Evaluating deep learning architectures for Speech Emotion Recognition", section 4
    and equation (17), where training takes windows of 200 frames, and a window without
    speech is of a class of its own.

    Args:
      frames: of a window; those near the beginning have fewer.
      hop: frames from one end to the next.
      silence: a window is silence if its last frame is more than this many dB below
        the loudest of the utterance; 0 for no such class.
    """

    def cut(energy):
        ends = np.array([*range(hop, len(energy), hop), len(energy)])
        starts = np.maximum(ends - min(frames, len(energy)), 0)
        return np.stack([starts, ends - starts], axis=1)

    def silent(energy, pieces):
        last = energy[pieces.sum(axis=1) - 1]
        return last < energy.max() * 10 ** (-silence / 10)

    if silence:
        return Pieces(cut, silent, by_energy=True)
    return Pieces(cut)
