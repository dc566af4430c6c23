"""32 of the paper's descriptors, for segments of 25 frames."""

from vladser.contracts import Features
from vladser.features.selection import select
from vladser.features.vladser147 import vladser147

_PITCH, _VOICING, _ENERGY, _CROSSINGS, _MFCC, _DELTA = 0, 1, 8, 9, 51, 66
_STATIC = (_PITCH, _VOICING, _CROSSINGS, *range(_MFCC + 1, _MFCC + 13), _ENERGY)


def lee32() -> Features:
    """Pitch, voicing probability, zero-crossing rate, MFCC 1-12, energy and their
    deltas: Lee and Tashev 2015, "High-level Feature Representation using Recurrent
    Neural Network for Speech Emotion Recognition".

    Unlike there, energy is the root of the mean square, not a logarithm, and all are
    smoothed over three frames.
    """
    columns = (*_STATIC, *(column + _DELTA for column in _STATIC))
    return select("lee32", vladser147(), columns)
