"""Writes the report: from run directories to pages, by their files alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.reporting import (
    comparison,
    details,
    facts,
    families,
    overview,
    pages,
    record,
    runs,
)
from launch.reporting.runs import Run
from vladser import files, text
from vladser.errors import InputError


def write(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Writes report.html and report.md; returns their paths.

    Args:
      folders: the run directories: one for its report, several for a comparison.
      folder: where to; it is made where it does not exist.

    Raises:
      InputError: a run directory cannot be read, see `runs.read`, or `folder` cannot be
        written to.
    """
    contents = render([runs.read(path) for path in folders])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output={folder}: {error.strerror}") from None
    for name, content in contents.items():
        files.write_bytes(folder / name, content)
    return [folder / name for name in contents]


def render(read: Sequence[Run]) -> dict[str, bytes]:
    """Returns the content of report.html and report.md.

    Args:
      read: one run for its report, several for a comparison.

    Raises:
      InputError: a file of a run holds something that no page can be made of.
    """
    with runs.readable(text.names([str(run.folder) for run in read])):
        report = of_run(*read) if len(read) == 1 else comparison.report(read)
        report["sections"] = {
            title: blocks for title, blocks in report["sections"].items() if blocks
        }
        return pages.render(report)


def of_run(run: Run) -> dict[str, Any]:
    """Returns the report of one run, see `pages.render`; a section that the run has no
    data for is empty."""
    date = run.environment.get("date")
    return {
        "title": f"Speech emotion recognition on {facts.corpus(run)}",
        "subtitle": facts.protocol(run) + (f"; {date[:10]}" if date else ""),
        "lead": overview.lead(run),
        "sections": {
            "What the paper claims": overview.claims(run),
            "Conditions": overview.conditions(run),
            **{
                families.heading(family): families.section(run, family)
                for family in run.summary["comparisons"]
            },
            "Confusions": families.confusions(run),
            "Speakers": details.speakers(run),
            "Training": details.curves(run),
            "Clusters": details.clusters(run),
            "Protocol": record.certificate(run),
            "Skipped and failed": record.losses(run),
            "To repeat it": record.repeat(run),
            "How to read this": record.how_to_read(),
        },
    }
