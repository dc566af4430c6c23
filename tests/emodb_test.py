"""EMO-DB, the real recordings, against the counts of Burkhardt et al. (2005).

Set VLADSER_EMODB to the folder that holds wav/.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from vladser.corpora.acted import emodb


@pytest.mark.skipif("VLADSER_EMODB" not in os.environ, reason="needs EMO-DB")
def test_has_the_published_counts():
    folder = Path(os.environ["VLADSER_EMODB"])
    utterances, notes = emodb(folder)
    counts = Counter(u.emotion for u in utterances)
    of_emotion = {"angry": 127, "bored": 81, "disgusted": 46, "fearful": 69}
    assert counts == of_emotion | {"happy": 71, "neutral": 79, "sad": 62}
    men, women = {"03", "10", "11", "12", "15"}, {"08", "09", "13", "14", "16"}
    assert {u.speaker for u in utterances} == men | women
    assert len({u.text for u in utterances}) == 10 and not notes
    assert emodb(folder / "wav").utterances == utterances
