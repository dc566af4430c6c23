"""EMO-DB, the real recordings, against the counts of Burkhardt et al. (2005).

Set VLADSER_EMODB to the folder that holds wav/.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from vladser.corpora.acted import emodb

pytestmark = pytest.mark.skipif(
    "VLADSER_EMODB" not in os.environ, reason="VLADSER_EMODB is not set"
)


def test_has_the_published_counts():
    folder = Path(os.environ["VLADSER_EMODB"])
    found, notes = emodb(folder)
    assert not notes
    assert Counter(u.emotion for u in found) == {
        "angry": 127,
        "happy": 71,
        "sad": 62,
        "neutral": 79,
        "bored": 81,
        "fearful": 69,
        "disgusted": 46,
    }
    men, women = {"03", "10", "11", "12", "15"}, {"08", "09", "13", "14", "16"}
    assert {u.speaker for u in found} == men | women
    assert len({u.text for u in found}) == 10
    assert {u.session for u in found} == {None}


def test_the_wav_folder_alone_gives_the_same():
    folder = Path(os.environ["VLADSER_EMODB"])
    assert emodb(folder / "wav") == emodb(folder)
