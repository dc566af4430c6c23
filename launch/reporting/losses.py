"""What a run has lost: utterances that were skipped and trainings that failed."""

from launch.reporting.blocks import Block, Section, Table, Text
from launch.reporting.runs import Run

_LISTED = 100
_TRAINING = ("condition", "seed", "fold", "epoch", "step")


def section(run: Run) -> Section | None:
    """Both as lists."""
    skipped = [(one["utterance"], one["reason"]) for one in run.summary["skipped"]]
    failed = [
        tuple(f"{one[key]}" for key in _TRAINING) for one in run.summary["failed"]
    ]
    blocks: list[Block] = []
    if skipped:
        columns = "utterance", "reason"
        blocks.append(_table("Utterances left out", columns, skipped, frozenset({1})))
    if lost := _lost(run):
        blocks.append(
            Text(
                f"In no table, for in every seed a training failed: {'; '.join(lost)}."
            )
        )
    if failed:
        header = "condition", "seed", "held out", "epoch", "step"
        blocks.append(_table("Trainings that failed", header, failed, frozenset({2})))
    return Section("Skipped and failed", blocks) if blocks else None


def _lost(run: Run) -> list[str]:
    """The conditions of which no seed is left."""
    left = {one["name"] for one in run.summary["conditions"]}
    failed = dict.fromkeys(one["condition"] for one in run.summary["failed"])
    return [name for name in failed if name not in left]


def _table(caption: str, header: tuple, rows: list[tuple], words: frozenset) -> Table:
    rest = len(rows) - _LISTED
    notes = [f"And {rest:,} more: see summary.json."] if rest > 0 else []
    return Table(caption, header, rows[:_LISTED], words, notes)
