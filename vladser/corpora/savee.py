"""SAVEE, Surrey Audio-Visual Expressed Emotion: 480 utterances of four English men.

Haq and Jackson, Machine Audition: Principles, Algorithms and Systems, 2010. Seven
emotions, 15 sentences in each and 30 neutral ones.

Layout: `AudioData/DC/a01.wav` as published, or flat, `DC_a01.wav`, as in copies. DC,
JE, JK and KL are the speakers; a letter or two the emotion. The number counts within
the emotion and does not identify the sentence (three are common to all emotions), so
`text` is None.
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "a": "angry",
    "d": "disgusted",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprised",
}
_NAME = r"(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>)(?P<number>\d\d)"


def read(folder: Path) -> Corpus:
    """Reads SAVEE; notes and errors as in `filenames.read_named`."""
    expected = "SAVEE names such as DC/a01.wav or DC_a01.wav"
    id = "{speaker}_{emotion}{number}"
    return read_named(folder, _NAME, EMOTIONS, expected, id=id)
