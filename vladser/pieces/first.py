"""The beginnings of utterances."""

import numpy as np

from vladser.contracts import Pieces
from vladser.options import Count


def first(*, frames: Count = 750) -> Pieces:
    """Takes the first frames of an utterance.

    7.5 s is the mean and one standard deviation of the lengths in IEMOCAP: Neumann and
    Vu 2017, "Attentive Convolutional Neural Network Based Speech Emotion Recognition"
    (after the abstract; the length is from memory).

    Args:
      frames: how many; shorter utterances stay whole.
    """
    return Pieces(lambda energy: np.array([[0, min(frames, len(energy))]]))
