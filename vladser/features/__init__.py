"""Features: audio -> a vector of descriptors for each frame of 10 ms; or ready ones.

Neither jax nor, for features that are cached, opensmile is imported here.
"""

from vladser.features import arrays, sets
from vladser.features.audio import BadAudio
from vladser.features.extraction import Extraction, cores, each, extract

__all__ = ["BadAudio", "Extraction", "cores", "each", "extract", "names"]


def names() -> list[str]:
    """What `extract` knows: openSMILE's sets, and npy for files of features."""
    return [*sets.names(), arrays.NAME]
