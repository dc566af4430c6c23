"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song: the speech.

Livingstone and Russo, PLOS ONE 13(5), 2018. 24 actors, two sentences, eight emotions,
1,440 utterances.

Layout: `Actor_01/` to `Actor_24/`, also below `Audio_Speech_Actors_01-24/`.
`03-01-06-01-02-01-12.wav` is modality 03 (audio only), channel 01 (speech), emotion 06,
intensity 01, sentence 02, repetition 01, actor 12. Songs and sound tracks of the videos
are left out: the latter are the same performances.
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
}
_NAME = r"03-01-(?P<emotion>)-\d\d-(?P<text>\d\d)-\d\d-(?P<speaker>\d\d)"


def read(folder: Path) -> Corpus:
    """Reads the speech of RAVDESS; notes and errors as in `filenames.read_named`."""
    expected = "RAVDESS audio-only speech such as 03-01-06-01-02-01-12.wav"
    return read_named(folder, _NAME, EMOTIONS, expected)
