"""Whole utterances."""

import numpy as np

from vladser.contracts import Pieces


def whole() -> Pieces:
    """Takes utterances as they are."""
    return Pieces(lambda energy: np.array([[0, len(energy)]]))
