"""The 65 low-level descriptors of ComParE 2016, smoothed, without their deltas."""

from functools import partial
from pathlib import Path

from vladser.contracts import Features
from vladser.features import smile


def ComParE_2016() -> Features:
    """Returns the features of Schuller et al. 2016, "The INTERSPEECH 2016 Computational
    Paralinguistics Challenge"."""
    config = Path("compare", "ComParE_2016.conf")
    return smile.make("ComParE_2016", config, dim=65, energy=partial(smile.power, 8))
