"""The result of one check."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What a check found.

    Attributes:
      check: its short name, which stays the same from version to version.
      level: "ok", "warning" or "error".
      count: how many things (utterances, folds, rows, ...) the text speaks of; 0 where
        all is well.
      text: one line for a reader.
    """

    check: str
    level: str
    count: int  # type: ignore[assignment]  # hides tuple.count
    text: str
