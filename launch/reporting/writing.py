"""Writes the report: from run directories to pages, by their files alone."""

from collections.abc import Sequence
from pathlib import Path

from launch.reporting import comparison, overview, pages, runs
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
        report = overview.report(*read) if len(read) == 1 else comparison.report(read)
        report["sections"] = {
            title: blocks for title, blocks in report["sections"].items() if blocks
        }
        return pages.render(report)
