"""SHA256SUMS of a run directory: written when all results are."""

from pathlib import Path

from vladser import files

NAME = files.SUMS
# Not the report, which can be made anew, nor checkpoints, which carry their own.
_RESULTS = (
    "flags.txt",
    "environment.json",
    "dataset.json",
    "audit.json",
    "metrics.jsonl",
    "clusters.jsonl",
    "predictions.csv",
    "confusion.png",
    "summary.json",
)


def write(folder: Path) -> None:
    """Writes SHA256SUMS of all results that are in the folder; see `files`."""
    files.write_sums(folder, _RESULTS)


def check(folder: Path) -> None:
    """Compares the results with SHA256SUMS, which is there; see `files`."""
    files.check_sums(folder, _RESULTS)
