"""The network's own probabilities."""

from vladser.contracts import Readout
from vladser.merging import mean


def softmax() -> Readout:
    """Averages the class probabilities of the pieces of an utterance.

    Fayek, Lech, Cavedon 2017, "Evaluating deep learning architectures for Speech
    Emotion Recognition", equation (18).
    """
    return Readout(mean, fit=None)
