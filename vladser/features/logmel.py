"""Logarithms of the energies in mel bands, of 25 ms each 10 ms, from 0 to 8 kHz."""

from pathlib import Path

import numpy as np

from vladser.contracts import Features
from vladser.features import smile
from vladser.options import Natural

_WINDOW = 400  # samples


def logmel(*, bands: Natural = 40) -> Features:
    """Log-mel filter banks: 40 are the input of Fayek, Lech, Cavedon 2017, "Evaluating
    Deep Learning Architectures for Speech Emotion Recognition".

    Args:
      bands: number of triangles on the mel scale, at most 128. 26 are that of Neumann
        and Vu 2017, "Attentive Convolutional Neural Network Based Speech Emotion
        Recognition" (after the abstract; the number is from memory).
    """
    if not 1 <= bands <= 128:
        raise ValueError(f"bands: expected 1 to 128, got {bands}")
    config = Path(__file__).with_name("logmel.conf").absolute()
    return smile.make(f"logmel{bands}", config, bands, _WINDOW, _energy, bands=bands)


def _energy(frames: np.ndarray) -> np.ndarray:
    return np.exp(frames).sum(axis=1)
