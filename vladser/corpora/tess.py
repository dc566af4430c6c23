"""TESS, the Toronto Emotional Speech Set: 2,800 utterances of two actresses.

Pichora-Fuller and Dupuis, 2020, doi:10.5683/SP2/E8H2MF. 200 words, each within "Say the
word ...", in seven emotions.

Layout: any; the file name says all. `OAF_back_angry.wav` is the older (OAF) or younger
(YAF) speaker, the word and the emotion; ps is pleasant surprise. The folders are
spelled in several ways, `OA_bite_neutral.wav` lacks its F, and a common copy holds
the whole set twice, one inside the other: of each recording one is read.
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "angry": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}
_NAME = r"(?P<speaker>[OY]A)F?_(?P<text>[A-Za-z]+)_(?P<emotion>)"


def read(folder: Path) -> Corpus:
    """Reads TESS; notes and errors as in `filenames.read_named`."""
    expected = "TESS names such as OAF_back_angry.wav"
    id, speaker = "{speaker}F_{text}_{emotion}", "{speaker}F"
    return read_named(folder, _NAME, EMOTIONS, expected, id=id, speaker=speaker)
