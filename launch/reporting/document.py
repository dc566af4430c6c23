"""What a report is made of, however it is written: data, no logic.

`view` and `comparison` turn runs into a Document, `pages` writes it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

_SIGNS = {"good": "✓", "bad": "✗", "open": "○", "warn": "!"}


class Mark(NamedTuple):
    """A judgement; its kind gives it a sign and a colour."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{_SIGNS[self.kind]} {self.text}"


class Picture(NamedTuple):
    """A figure: a title that is unique in the document, what it shows in words, for
    those who do not see it, and what a reader has to know to read it."""

    title: str
    description: str
    figure: Figure
    note: str = ""


Cell = str | Mark


class Table(NamedTuple):
    """Rows of cells, which have the same columns; a row's first cell is its header."""

    caption: str  # what it holds; unique in the document
    rows: Sequence[Mapping[str, Cell]]  # by the name of the column
    words: Collection[str] = ()  # columns of words, beside the first; else of numbers
    notes: Sequence[str] = ()  # what a reader has to know to read it
    beside: Picture | None = None  # of what it holds


class Gallery(NamedTuple):
    """Pictures that stand beside each other where there is room."""

    pictures: Sequence[Picture]


class Code(NamedTuple):
    """Lines to be typed."""

    text: str


Block = str | Code | Table | Gallery  # a str is a paragraph


class Section(NamedTuple):
    """A heading, unique in the document, and what is under it."""

    title: str
    blocks: Sequence[Block]


class Document(NamedTuple):
    """A report: its title, the protocol, the result in a paragraph or two, the rest."""

    title: str
    subtitle: str
    lead: Sequence[str]
    sections: Sequence[Section]
