"""Writes the report: from run directories to pages, by their files alone."""

from collections.abc import Sequence
from pathlib import Path

from launch.reporting import comparison, overview, pages, runs
from vladser import files, text


def write(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Writes report.html and report.md of one run, or of several side by side, into a
    folder, which may be new; returns their paths. Raises InputError where a run is
    damaged or the folder cannot be written to."""
    read = [part for path in folders for part in runs.read(path)]
    with runs.readable(text.few(map(str, folders))):
        write = overview.report if len(folders) == 1 else comparison.report
        report = write(read)
        contents = pages.render(report)
    files.make_folder(folder)
    for name, content in contents.items():
        files.write_bytes(folder / name, content)
    return [folder / name for name in contents]
