"""The paper's 147 descriptors: 66 low-level ones, which are the 65 of ComParE 2016 and
MFCC 0, smoothed; their 66 deltas; the deltas of the deltas of MFCC 0-14.

Known quirk of openSMILE: the deltas of its pitch and voice-quality columns (66-71) are
no plain regression, since their denominator grows over the file. They are kept as they
come, as in every ComParE feature file.
"""

from functools import partial
from pathlib import Path

from vladser.contracts import Features
from vladser.features import smile


def vladser147() -> Features:
    """Returns the features of Huang, Tao, Liu, Lian 2020, "Learning Utterance-Level
    Representations with Label Smoothing for Speech Emotion Recognition", section 3.2.
    """
    config = Path(__file__).with_name("vladser147.conf").absolute()
    return smile.make("vladser147", config, dim=147, energy=partial(smile.power, 8))
