"""What a page is made of, whichever way it is written: data, no logic.

`view` and `comparison` turn runs into a Document, `page` and `markdown` write it.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from matplotlib.figure import Figure

Kind = Literal["good", "bad", "open", "warn"]


class Mark(NamedTuple):
    """A word that is a judgement; its kind adds a sign and a colour to it."""

    kind: Kind
    text: str


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Code(NamedTuple):
    """Lines to be typed or kept as they are."""

    text: str


class Table(NamedTuple):
    """Rows of cells; the first of a row is its header.

    Attributes:
      caption: what it holds, unique in the document.
      header: a name for each column, or "".
      rows: as many cells each.
      words: the numbers of the columns, beside the first, that hold words rather than
        figures.
      notes: what a reader has to know to read it.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Mark]]
    words: frozenset[int] = frozenset()
    notes: Sequence[str] = ()


class Picture(NamedTuple):
    """A figure.

    Attributes:
      title: unique in the document.
      description: what it shows, for those who do not see it.
      note: what a reader has to know to read it.
    """

    title: str
    description: str
    figure: Figure
    note: str = ""


class Gallery(NamedTuple):
    """Pictures that stand beside each other where there is room."""

    pictures: Sequence[Picture]


class Beside(NamedTuple):
    """A picture, and a table of what it shows."""

    picture: Picture
    table: Table


Block = Text | Code | Table | Gallery | Beside


class Section(NamedTuple):
    """A heading and what is under it; unique headings."""

    title: str
    blocks: Sequence[Block]


class Document(NamedTuple):
    """A report.

    Attributes:
      title: what it is about.
      subtitle: under which protocol.
      lead: its result, in a paragraph or two.
      sections: the rest.
    """

    title: str
    subtitle: str
    lead: Sequence[str]
    sections: Sequence[Section]
