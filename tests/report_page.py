"""Reads a report the way a browser and a reader of Markdown do."""

import json
import re
from html import escape
from html.parser import HTMLParser
from unittest import mock

import fake_run

from launch.reporting import writing
from vladser.plots import svg

_VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a page holds.

    Attributes:
      tables: by caption the rows, the header first, of texts.
      headings: (level, text) each.
      text: all of it.
      ids, links: the ids, and what `href` and the like point to.
      tags: the names of all elements.
    """

    def __init__(self, html):
        super().__init__()
        self.tables, self.headings, self.ids, self.links = {}, [], [], []
        self.tags, self._open, self._texts, self.text = set(), [], [], ""
        self._rows = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag, attrs):
        self._note(tag, attrs)
        if tag in _VOID:
            return
        self._open.append(tag)
        self._texts.append("")
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])

    def handle_startendtag(self, tag, attrs):
        self._note(tag, attrs)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        text = " ".join(self._texts.pop().split())
        if tag == "caption":
            assert text not in self.tables
            self.tables[text] = self._rows
        if tag in ("td", "th"):
            self._rows[-1].append(text)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), text))

    def handle_data(self, data):
        self._texts = [text + data for text in self._texts]
        self.text += data

    def _note(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "data", "xlink:href", "srcset", "action"):
                self.links.append(value)


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


def written(folders, output):
    """The report's page and its Markdown."""
    html, markdown = writing.write(folders, output)
    return html.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def pages(folders, output):
    """The page, and the tables of its Markdown."""
    html, markdown = written(folders, output)
    return Page(html), markdown_tables(markdown)


def without_figures(folders, output):
    """As `pages`, but of a figure there is the description: drawing takes the most."""
    described = mock.Mock(side_effect=lambda figure, *texts: escape(" ".join(texts)))
    with mock.patch.object(svg, "inline", described):
        return pages(folders, output)


def paper(shared):
    """A run of the whole paper: its folder, summary, page and Markdown."""

    def fill(folder):
        fake_run.write(folder)
        written([folder], folder)

    folder = shared("paper", fill)
    names = "summary.json", "report.html", "report.md"
    summary, *both = ((folder / name).read_text(encoding="utf-8") for name in names)
    return folder, json.loads(summary), *both
