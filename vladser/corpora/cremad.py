"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset.

Cao, Cooper, Keutmann, Gur, Nenkova, Verma, IEEE Transactions on Affective Computing
5(4), 2014. 91 actors, twelve sentences, six emotions, 7,442 utterances.

Layout: `AudioWAV/`, or the folder that holds it. `1001_DFA_ANG_XX.wav` is actor 1001,
sentence DFA, emotion ANG, level XX (LO, MD, HI; XX is unspecified, once written X). The
emotion is the one that was acted, not the raters' vote.
"""

from pathlib import Path

from vladser.corpora.filenames import read_named
from vladser.types import Corpus

EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgusted",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_NAME = r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<emotion>)_(?:LO|MD|HI|XX?)"


def read(folder: Path) -> Corpus:
    """Reads CREMA-D; notes and errors as in `filenames.read_named`."""
    expected = "CREMA-D names such as 1001_DFA_ANG_XX.wav"
    return read_named(folder, _NAME, EMOTIONS, expected)
