"""Reads a report the way a browser and a reader of Markdown do."""

import json
import re
from html import escape
from unittest import mock
from xml.etree import ElementTree

import fake_run

from launch.reporting import writing
from vladser.plots import svg

_LINKS = {"href", "src", "data", "xlink:href", "srcset", "action"}


class Page:
    """What a page holds, which is well-formed but for its <meta>.

    Attributes:
      tables: by caption the rows, the header first, of texts.
      headings: (level, text) each.
      text: all of it.
      ids, links: the ids, and what `href` and the like point to.
      tags: the names of all elements.
    """

    def __init__(self, html):
        root = ElementTree.fromstring(re.sub("<!DOCTYPE html>|<meta[^>]*>", "", html))
        elements = [*root.iter()]
        self.text, self.tags = "".join(root.itertext()), {one.tag for one in elements}
        attributes = [pair for one in elements for pair in one.items()]
        self.ids = [value for name, value in attributes if name == "id"]
        self.links = [value for name, value in attributes if name in _LINKS]
        headings = [one for one in elements if re.fullmatch("h[1-6]", one.tag)]
        self.headings = [(int(one.tag[1]), _text(one)) for one in headings]
        self.tables = {
            _text(table.find("caption")): [
                [_text(cell) for cell in row] for row in table.iter("tr")
            ]
            for table in root.iter("table")
        }


def _text(element):
    return " ".join("".join(element.itertext()).split())


def markdown_tables(text):
    """By caption the rows of a Markdown file, the header first."""
    tables, caption = {}, None
    for line in text.splitlines():
        if line.startswith("**"):
            caption = _plain(line.strip("*"))
        if line.startswith("|"):
            cells = [_plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if not set("".join(cells)) <= set("-:"):
                tables.setdefault(caption, []).append(cells)
    return tables


def _plain(text):
    return re.sub(r"\\(.)", r"\1", text).strip()


def pages(folders, output):
    """The page, and the tables of its Markdown."""
    paths = writing.write(folders, output)
    html, markdown = (path.read_text(encoding="utf-8") for path in paths)
    return Page(html), markdown_tables(markdown)


def without_figures(*folders):
    """The page, written to the first folder's parent; of a figure there is the
    description: drawing takes the most."""
    described = mock.Mock(side_effect=lambda figure, *texts: escape(" ".join(texts)))
    with mock.patch.object(svg, "inline", described):
        return pages(folders, folders[0].parent / "report")[0]


def paper(shared):
    """A run of the whole paper: its folder, summary, page and Markdown."""

    def fill(folder):
        fake_run.write(folder)
        writing.write([folder], folder)

    folder = shared("paper", fill)
    names = "summary.json", "report.html", "report.md"
    summary, *both = ((folder / name).read_text(encoding="utf-8") for name in names)
    return folder, json.loads(summary), *both
