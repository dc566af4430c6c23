"""Writes the report of an experiment, or the comparison of several.

    python -m launch.report runs/emodb
    python -m launch.report runs/emodb runs/iemocap --output=both

The report of one run is written into its run directory; the comparison of several,
such as runs on several corpora, into --output. Both are a page that opens without a
network, report.html, and the same as Markdown, report.md. Only the files of the runs
are needed; an earlier report is replaced.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from launch.command_line import cli, fields
from launch.command_line.fields import flag, words
from vladser.errors import InputError


@dataclass(frozen=True)
class Settings(fields.Settings):
    """Which runs, and where their report goes.

    Attributes:
      output: the folder for the report (default: the run directory; required for
        several).
    """

    runs: tuple[str, ...] = words("RUN")
    output: Path = flag("Output")

    @property
    def folders(self) -> list[Path]:
        """The run directories."""
        return list(dict.fromkeys(Path(run).expanduser() for run in self.runs))

    def checked(self) -> Self:
        """See `fields.Settings.checked`."""
        if self.output is None and len(self.folders) > 1:
            raise InputError("--output is required for several runs: a folder")
        return replace(self, output=self.output or self.folders[0])


def main(settings: Settings) -> None:
    """Writes the report and prints the paths of its files."""
    from launch.reporting import writing  # late because it imports matplotlib

    with cli.wrong_use():
        files = writing.write(settings.folders, settings.output)
    for file in files:
        print(file)


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
