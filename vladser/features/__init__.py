"""Features: audio -> 147 descriptors for each frame of 10 ms.

Neither jax nor, for features that are cached, opensmile is imported here.
"""

from vladser.features.audio import BadAudio
from vladser.features.extraction import Extraction, cores, extract
from vladser.features.smile import names

__all__ = ["BadAudio", "Extraction", "cores", "extract", "names"]
