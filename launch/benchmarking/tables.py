"""The figures as Markdown tables, ready for a document."""

from collections.abc import Mapping, Sequence
from typing import Any

from vladser import text

_CONTEST = (
    *("workload", "trials", "contestant", "real frames/s", "low-high"),
    *("ours is faster by", "low-high", "padding efficiency"),
)


def contest(results: Sequence[Mapping[str, Any]], notes: Mapping[str, str]) -> str:
    """Returns a row a contestant of each workload, and what is to be said of them.

    Args:
      results: from `contest.measure`.
      notes: on contestants.
    """
    rows, about = [], {}
    for result in results:
        about[result["name"]] = (
            f"{result['utterances']:,} utterances, {result['frames']:,} frames "
            f"({result['feature_set']})"
        )
        for entry in result["contestants"]:
            rate, ahead = entry["real_frames_per_second"], entry["ours_is_faster_by"]
            speed = {key: f"{value / 1e3:,.0f}" for key, value in rate.items()}
            rows.append(
                (
                    *(result["name"], f"{result['trials']}", entry["name"]),
                    *(f"{speed['median']} k", f"{speed['low']}-{speed['high']} k"),
                    f"{ahead['median']:.2f}",
                    f"{ahead['low']:.2f}-{ahead['high']:.2f}",
                    f"{entry['padding_efficiency']:.3f}",
                )
            )
    lines = [f"- {name}: {note}" for name, note in {**about, **notes}.items()]
    return "\n".join([text.table(_CONTEST, rows, {2}, markdown=True), "", *lines])


def figures(title: str, result: Mapping[str, Any]) -> str:
    """Returns the figures of a result that have a median, a row each."""
    tables: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name, value in result.items():
        if isinstance(value, dict):
            row = name.replace("_", " "), *(f"{x:.4g}" for x in value.values())
            tables.setdefault(("", *value), []).append(row)
    written = [text.table(*table, markdown=True) for table in tables.items()]
    return "\n\n".join([title, *written])
