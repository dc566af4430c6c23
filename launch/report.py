"""Writes the report of an experiment, or the comparison of several.

    python -m launch.report runs/emodb
    python -m launch.report runs/emodb runs/iemocap --output=both

One run directory: its report, written into it. Several, say of several corpora: one
comparison of them, written into --output. Both are a page that opens without a network,
report.html, and its tables as Markdown, report.md. Nothing but the files of the runs is
needed, and an earlier report is replaced.
"""

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from absl import flags

from launch.command_line import cli
from launch.reporting import writing
from vladser.errors import InputError


class Settings(NamedTuple):
    """Which runs, and where to."""

    folders: list[Path]
    output: Path


def define(values: flags.FlagValues) -> None:
    """Defines the flag of the program on `values`."""
    flags.DEFINE_string(
        "output",
        None,
        "The folder for the report (default: the run directory; required for several).",
        flag_values=values,
        module_name="Output",
    )


def read(values: flags.FlagValues, *words: str) -> Settings:
    """Returns what the flags and the words, the run directories, ask for.

    Raises:
      InputError: several runs, and no --output; or a run is named twice.
    """
    folders = [Path(word).expanduser() for word in words]
    for folder, count in Counter(one.resolve() for one in folders).items():
        if count > 1:
            raise InputError(f"{folder} is named twice")
    if values.output is None and len(folders) > 1:
        raise InputError("--output is required for several runs: a folder")
    output = folders[0] if values.output is None else Path(values.output).expanduser()
    return Settings(folders, output)


def main(settings: Settings) -> None:
    """Writes it, and says where."""
    with cli.wrong_use():
        written = writing.write(settings.folders, settings.output)
    for path in written:
        print(path)


if __name__ == "__main__":
    cli.start(main, define, read, __doc__, positional="RUN")
