"""A report as Markdown: its text and its tables, without the figures."""

import re
from collections.abc import Iterable, Iterator

from launch.reporting.blocks import (
    Beside,
    Block,
    Code,
    Document,
    Gallery,
    Mark,
    Table,
    Text,
)

_SIGNS = {"good": "✓", "bad": "✗", "open": "○", "warn": "!"}


def markdown(document: Document) -> str:
    """Returns the report, tables as GitHub and most other readers know them."""
    lines = [f"# {_escaped(document.title)}", "", _escaped(document.subtitle)]
    for paragraph in document.lead:
        lines += ["", _escaped(paragraph)]
    for section in document.sections:
        written = [line for block in section.blocks for line in _block(block)]
        if written:
            lines += ["", f"## {_escaped(section.title)}", *written]
    return "\n".join(lines) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Text(text):
            yield from ("", _escaped(text))
        case Code(text):
            yield from ("", "```", text, "```")
        case (Table() as table) | Beside(_, table):
            yield from _table(table)
        case Gallery():
            pass


def _table(table: Table) -> Iterator[str]:
    words = {0, *table.words}
    rules = ("---" if n in words else "---:" for n in range(len(table.header)))
    yield from ("", f"**{_escaped(table.caption)}**", "")
    yield _row(table.header)
    yield _row(rules)
    yield from map(_row, table.rows)
    for note in table.notes:
        yield from ("", _escaped(note))


def _row(cells: Iterable[str | Mark]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(cell: str | Mark) -> str:
    if isinstance(cell, Mark):
        return f"{_SIGNS[cell.kind]} {_escaped(cell.text)}"
    return _escaped(cell)


def _escaped(text: str) -> str:
    """What Markdown and HTML would take for more than a text."""
    return re.sub(r"([\\`*_<>&|\[\]#~])", r"\\\1", " ".join(text.split()))
