"""A report as one HTML page that needs nothing else: no network, no script."""

import re

import jinja2
from markupsafe import Markup

from launch.reporting import svg
from launch.reporting.blocks import Document, Mark, Picture

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("launch.reporting", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

_TEMPLATES.filters["unbroken"] = lambda text: re.sub(r"(?<=\d) (?=%)", "\xa0", text)


def html(document: Document) -> str:
    """Returns the page; the same document gives the same page."""
    return _TEMPLATES.get_template("report.html.jinja").render(
        document=document,
        variables=Markup(svg.variables()),
        anchor=_anchor,
        draw=_draw,
        is_mark=lambda cell: isinstance(cell, Mark),
        kind=lambda block: type(block).__name__,
    )


def _anchor(title: str) -> str:
    """A title as it stands in a link: "Table 1" -> "table-1"."""
    return re.sub(r"\W+", "-", title).strip("-").lower()


def _draw(picture: Picture) -> Markup:
    """The figure; `svg.inline` escapes what it is given."""
    return Markup(svg.inline(picture.figure, picture.title, picture.description))
