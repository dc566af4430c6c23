"""EMO-DB, the Berlin Database of Emotional Speech: 535 acted German utterances.

Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional speech,
Interspeech 2005. Ten actors, ten sentences, seven emotions.

Layout: the folder that holds `wav/`, or `wav/` itself. `03a01Fa.wav` is speaker 03,
sentence a01, emotion F, take a; the emotions are initials of the German words (Wut,
Langeweile, Ekel, Angst, Freude, Trauer, neutral).
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "W": "angry",
    "L": "bored",
    "E": "disgusted",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
_NAME = r"(?P<speaker>\d\d)(?P<text>[a-z]\d\d)(?P<emotion>)[a-z]?"


def read(folder: Path) -> Corpus:
    """Reads EMO-DB; notes and errors as in `filenames.read_named`."""
    return read_named(folder, _NAME, EMOTIONS, "EMO-DB names such as 03a01Fa.wav")
