"""Numbers as a reader sees them: shares as percent, differences as points."""

from collections.abc import Callable, Sequence
from math import isfinite

NONE = "–"  # noqa: RUF001 (an en dash: there is no such value)


def percent(share: float | None) -> str:
    """0.8194 -> "81.9"."""
    return _fixed(share, "{:.1f}", 100)


def points(difference: float | None) -> str:
    """-0.0312 -> "-3.1", with the sign always there."""
    return _fixed(difference, "{:+.1f}", 100)


def decimal(value: float | None) -> str:
    """0.0821 -> "0.08"."""
    return _fixed(value, "{:.2f}")


def interval(ends: Sequence[float] | None, form: Callable[[float], str]) -> str:
    """(0.7, 0.8), `percent` -> "70.0 to 80.0"."""
    return NONE if ends is None else " to ".join(map(form, ends))


def probability(p: float | None) -> str:
    """A p-value: three digits after the point, "<0.001" below them."""
    if p is not None and p < 0.001:
        return "<0.001"
    return _fixed(p, "{:.3f}")


def count(number: int, noun: str) -> str:
    """A count and what is counted: "1 seed", "2 seeds"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def names(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([*filter(None, [", ".join(items[:-1])]), *items[-1:]])


def _fixed(value: float | None, form: str, factor: float = 1) -> str:
    if value is None or not isfinite(value):
        return NONE
    shown = form.format(factor * value)
    if not any(digit in shown for digit in "123456789"):
        shown = shown.lstrip("+-")  # what rounds to zero has no sign
    return shown.replace("-", "\N{MINUS SIGN}")
