"""The 25 low-level descriptors of eGeMAPS, smoothed."""

from pathlib import Path

from vladser.contracts import Features
from vladser.features import smile


def eGeMAPSv02() -> Features:
    """Returns the features of Eyben et al. 2016, "The Geneva Minimalistic Acoustic
    Parameter Set (GeMAPS) for Voice Research and Affective Computing"."""
    config = Path("egemaps", "v02", "eGeMAPSv02.conf")
    return smile.make("eGeMAPSv02", config, dim=25)
