"""Writes a report as one HTML page that needs nothing else, neither network nor script,
and as Markdown, without the figures."""

import re

import jinja2
from markupsafe import Markup

from launch.reporting.document import Code, Document, Gallery, Picture, Table
from vladser import text
from vladser.plots import svg

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("launch.reporting", "."),
    autoescape=jinja2.select_autoescape(["html.jinja"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(document: Document) -> str:
    """Returns the page; the same document gives the same page."""
    variables = Markup(svg.variables())
    template = _TEMPLATES.get_template("report.html.jinja")
    return template.render(document=document, variables=variables)


def markdown(document: Document) -> str:
    """Returns the text and the tables as GitHub and most readers know Markdown."""
    return _TEMPLATES.get_template("report.md.jinja").render(document=document) + "\n"


def _anchor(title: str) -> str:
    """Returns a title as it stands in a link: "Table 1" -> "table-1"."""
    return re.sub(r"\W+", "-", title).strip("-").lower()


def _unbroken(text: str) -> str:
    """Returns a text whose percent signs stay with their numbers."""
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", text)


def _drawn(picture: Picture) -> Markup:
    """Returns the figure; `svg.inline` escapes what it is given."""
    return Markup(svg.inline(picture.figure, picture.title, picture.description))


def _markdown_table(table: Table) -> str:
    header = [*table.rows[0]]
    rows = [[str(cell) for cell in row.values()] for row in table.rows]
    words = [n for n, name in enumerate(header) if name in table.words]
    return text.table(header, rows, words, markdown=True)


_TEMPLATES.filters |= {
    "anchor": _anchor,
    "drawn": _drawn,
    "escaped": text.escaped,
    "markdown": _markdown_table,
    "unbroken": _unbroken,
}
_TEMPLATES.tests |= {
    "code": lambda block: isinstance(block, Code),
    "gallery": lambda block: isinstance(block, Gallery),
    "table": lambda block: isinstance(block, Table),
}
