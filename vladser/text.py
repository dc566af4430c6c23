"""Numbers, lists and tables as a reader sees them, in a terminal or as Markdown."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from math import isfinite

NONE = "–"  # noqa: RUF001 (an en dash: there is no such value)


def percent(share: float | None) -> str:
    """Returns a share in percent: 0.8194 -> "81.9"."""
    return _fixed(share, "{:.1f}", 100)


def points(difference: float | None) -> str:
    """Returns a difference of shares in points, always signed: -0.0312 -> "-3.1"."""
    return _fixed(difference, "{:+.1f}", 100)


def decimal(value: float | None) -> str:
    """Returns a number with two decimals: 0.0821 -> "0.08"."""
    return _fixed(value, "{:.2f}")


def probability(p: float | None) -> str:
    """Returns a p-value with three decimals, or "<0.001"."""
    if p is not None and p < 0.001:
        return "<0.001"
    return _fixed(p, "{:.3f}")


def interval(ends: Sequence[float] | None, form: Callable[[float], str]) -> str:
    """Returns an interval: (0.7, 0.8) and `percent` -> "70.0 to 80.0"."""
    return NONE if ends is None else " to ".join(map(form, ends))


def count(number: int, noun: str) -> str:
    """Returns a count and what is counted: "1 seed", "2,000 seeds"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def names(items: Sequence[str]) -> str:
    """Returns a list in words: "a", "a and b", "a, b and c"."""
    return " and ".join([*filter(None, [", ".join(items[:-1])]), *items[-1:]])


def few(items: Iterable[str], most: int = 5) -> str:
    """Returns a list that stays short: "a, b", or "a, b, c, d, e and 27 more"."""
    every = [*items]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def escaped(text: str) -> str:
    """Returns a text, on one line, that Markdown and HTML show as it is."""
    return re.sub(r"([\\`*_<>&|\[\]#~])", r"\\\1", " ".join(text.split()))


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    words: Collection[int] = (),
    markdown: bool = False,
) -> str:
    """Returns a table in columns of equal width.

    Args:
      header: a name for each column, or "".
      rows: as many cells each.
      words: the columns, beside the first, of words: set to the left, numbers to the
        right.
      markdown: whether to write it in Markdown, with cells escaped.
    """
    form, least = (escaped, 3) if markdown else (str, 1)
    lines = [[form(str(cell)) for cell in line] for line in (header, *rows)]
    widths = [max(least, *map(len, column)) for column in zip(*lines, strict=True)]
    sides = ["<" if n in (0, *words) else ">" for n in range(len(widths))]
    lines = [
        [f"{c:{side}{w}}" for c, side, w in zip(line, sides, widths, strict=True)]
        for line in lines
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    ends = ["-" if side == "<" else ":" for side in sides]
    lines.insert(1, [e.rjust(w, "-") for e, w in zip(ends, widths, strict=True)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fixed(value: float | None, form: str, factor: float = 1) -> str:
    if value is None or not isfinite(value):
        return NONE
    shown = form.format(factor * value)
    if not any(digit in shown for digit in "123456789"):
        shown = shown.lstrip("+-")  # what rounds to zero has no sign
    return shown.replace("-", "\N{MINUS SIGN}")
