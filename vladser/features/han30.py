"""30 of the paper's descriptors, for segments of 25 frames."""

from vladser.contracts import Features
from vladser.features.selection import select
from vladser.features.vladser147 import vladser147

_PITCH, _HNR, _MFCC, _DELTA = 0, 5, 51, 66
_STATIC = (*range(_MFCC, _MFCC + 13), _PITCH, _HNR)


def han30() -> Features:
    """MFCC 0-12, pitch, harmonics-to-noise ratio and their deltas: Han, Yu, Tashev
    2014, "Speech Emotion Recognition Using Deep Neural Network and Extreme Learning
    Machine", whose network sees 25 such frames.

    Unlike there, all are smoothed over three frames, MFCC are of windows of 20 ms, and
    pitch is in Hz, not a period.
    """
    columns = (*_STATIC, *(column + _DELTA for column in _STATIC))
    return select("han30", vladser147(), columns)
