"""Whether a result is of people who are new to the training."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from vladser.text import few
from vladser.types import UNKNOWN


def caution(speakers: Sequence[Mapping[str, Any]]) -> str:
    """Returns what has to be said beside a result, "" if all its speakers are new.

    Args:
      speakers: of a condition in summary.json.
    """
    shared = [speaker["speaker"] for speaker in speakers if speaker.get("shared")]
    known = sum(speaker["speaker"] != UNKNOWN for speaker in speakers)
    if not shared:
        return ""
    return (
        f"Not speaker-independent: {len(shared):,} of {known:,} test speakers "
        f"are also trained or validated on, by the corpus's own split ({few(shared)})."
    )


def of_new(speakers: Sequence[Mapping[str, Any]]) -> float | None:
    """Returns the mean UA of those speakers who are new where others are not, else
    None. UNKNOWN ones, who may be trained on, are neither."""
    known = [speaker for speaker in speakers if speaker["speaker"] != UNKNOWN]
    new = [speaker["ua"] for speaker in known if not speaker.get("shared")]
    return fmean(new) if 0 < len(new) < len(known) else None
