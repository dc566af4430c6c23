"""nEMO: 4,481 acted Polish utterances of nine actors in six emotions.

Christop: nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024.

Layout: `samples/`, or the folder that holds it. `WR0_surprised_64.wav` is speaker WR0,
emotion surprised and number 64 of 90 sentences, the same for all speakers: what
`data.tsv` beside it says as well.
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}
_NAME = r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>)_(?P<text>\d\d?)"


def read(folder: Path) -> Corpus:
    """Reads nEMO; notes and errors as in `filenames.read_named`."""
    return read_named(
        folder, _NAME, EMOTIONS, "nEMO names such as WR0_surprised_64.wav"
    )
