"""Audit: what could make a result look better than it is.

A test speaker who is seen in training is an error; where the corpus's own split is so,
it is a warning, and a test utterance that is seen an error. What the reader of a result
should know, though it may be harmless or by design, is a warning. Each check gives a
finding, also where all is well: together they are the protocol certificate of a run.
"""

from typing import NamedTuple


class Finding(NamedTuple):
    """The result of a check.

    Attributes:
      check: its short name, which stays the same from version to version.
      level: "ok", "warning" or "error".
      count: how many things (utterances, folds, rows, ...) are concerned.
      text: one line for a reader.
    """

    check: str
    level: str
    count: int  # type: ignore[assignment]  # hides tuple.count
    text: str
