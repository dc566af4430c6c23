"""What a report is made of, and its files: one HTML page that needs nothing else,
neither network nor script, and the same as Markdown, with its figures in words."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from vladser import text
from vladser.plots import svg

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("launch.reporting", "."),
    autoescape=jinja2.select_autoescape(["html.jinja"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
KINDS = {"supported": "good", "contradicted": "bad", "not distinguishable": "open"}
_SIGNS = {"good": "✓", "bad": "✗", "open": "○", "warn": "!"}


class Mark(NamedTuple):
    """A judgement; its kind gives it a sign and a colour."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{_SIGNS[self.kind]} {self.text}"


class Picture(NamedTuple):
    """A figure. The description says what it shows to those who do not see it."""

    title: str  # unique in the report
    description: str
    figure: Figure
    note: str = ""  # what a reader has to know to read it


class Code(NamedTuple):
    """Lines to be typed."""

    code: str


Cell = str | Mark


class Table(NamedTuple):
    """Rows of cells by the names of their columns, the same in all; the cell of the
    first column is the row's header."""

    caption: str  # unique in the report
    rows: Sequence[Mapping[str, Cell]]
    words: Collection[str] = ()  # columns of words, beside the first; else of numbers
    notes: Sequence[str] = ()  # what a reader has to know to read it

    @property
    def columns(self) -> list[str]:
        """The columns that have a value in some row."""
        filled = ({name for name in r if r[name] != text.NONE} for r in self.rows)
        shown = set().union(*filled)
        return [name for name in self.rows[0] if name in shown]


# A paragraph, a table, lines to be typed, or figures beside each other.
Block = str | Table | Code | Sequence[Picture]


def within(part: str | None, sections: Mapping[str, list[Block]]) -> dict[str, Any]:
    """Returns sections with the name of a part of the test set, if there are several,
    in what is unique in a report."""

    def named(block: Block) -> Block:
        if isinstance(block, Table):
            return block._replace(caption=f"{block.caption}, {part}")
        if isinstance(block, str | Code):
            return block
        return [of._replace(title=f"{of.title}, {part}") for of in block]

    if part is None:
        return {**sections}
    return {f"{title}, {part}": [*map(named, of)] for title, of in sections.items()}


def render(report: dict[str, Any]) -> dict[str, bytes]:
    """Returns the files of a report by their names; equal reports give equal files.

    Args:
      report: `title`, `subtitle`, `lead` (paragraphs), and `sections`: by their titles
        the blocks, see `Block`; one without blocks is left out.
    """
    sections = {title: of for title, of in report["sections"].items() if of}
    report = report | {"sections": sections, "colors": Markup(svg.variables())}
    return {
        name: _TEMPLATES.get_template(f"{name}.jinja").render(report).encode()
        for name in ("report.html", "report.md")
    }


def _drawn(picture: Picture) -> Markup:
    """Returns the figure; `svg.inline` escapes what it is given."""
    return Markup(svg.inline(picture.figure, picture.title, picture.description))


def _markdown(table: Table) -> str:
    columns = table.columns
    rows = [[str(row[name]) for name in columns] for row in table.rows]
    words = [n for n, name in enumerate(columns) if name in table.words]
    return text.table(columns, rows, words, markdown=True)


_TEMPLATES.filters |= {
    "anchor": lambda title: re.sub(r"\W+", "-", title).strip("-").lower(),
    "drawn": _drawn,
    "escaped": text.escaped,
    "markdown": _markdown,
}
