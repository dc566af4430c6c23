"""Features: audio -> a vector of descriptors for each frame of 10 ms.

Neither jax nor, for features that are cached, opensmile is imported here.
"""

from vladser.features.audio import BadAudio
from vladser.features.extraction import Extraction, cores, each, extract

__all__ = ["BadAudio", "Extraction", "cores", "each", "extract"]
