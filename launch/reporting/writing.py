"""The report: from run directories to pages, by their files alone."""

from collections.abc import Sequence
from pathlib import Path

from launch.reporting import comparison, markdown, page, runs, view
from vladser import files
from vladser.errors import InputError


def write(folders: Sequence[Path], folder: Path) -> list[Path]:
    """Writes report.html and report.md.

    Args:
      folders: the run directories: one for its report, several for a comparison.
      folder: where to; it is made where it does not exist.

    Returns:
      The two files.

    Raises:
      InputError: a run directory cannot be read, see `runs.read`, or `folder` cannot be
        written to.
    """
    read = [runs.read(one) for one in folders]
    document = view.report(*read) if len(read) == 1 else comparison.report(read)
    written = {
        folder / "report.html": page.html(document),
        folder / "report.md": markdown.markdown(document),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output={folder}: {error.strerror}") from None
    for path, text in written.items():
        files.write_text(path, text)
    return list(written)
