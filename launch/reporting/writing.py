"""Writes the report: from run directories to pages, by their files alone."""

from collections.abc import Sequence
from pathlib import Path

from launch.reporting import comparison, overview, pages, runs
from vladser import files, text


def write(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Writes report.html and report.md; returns their paths.

    Args:
      folders: the run directories: one for its report, several for a comparison.
      folder: where to; it is made where it does not exist.

    Raises:
      InputError: a run directory is damaged, or `folder` cannot be written to.
    """
    read = [runs.read(path) for path in folders]
    with runs.readable(text.few(f"{run.folder}" for run in read)):
        report = overview.report(*read) if len(read) == 1 else comparison.report(read)
        contents = pages.render(report)
    files.make_folder(folder)
    for name, content in contents.items():
        files.write_bytes(folder / name, content)
    return [folder / name for name in contents]
