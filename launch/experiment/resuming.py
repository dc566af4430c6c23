"""Whether a run directory may be filled: it is new, or its run is to go on."""

import json
from enum import Enum
from pathlib import Path
from typing import Any

from launch.command_line import flags_text
from launch.command_line.flags import Settings
from launch.experiment import run_dir
from vladser.errors import InputError

_VERSIONS = ("jax", "jaxlib")


class State(Enum):
    """Of a run directory."""

    NEW = "a new run may fill it"
    UNFINISHED = "its run is to go on"
    FINISHED = "its run has finished"


def check(settings: Settings) -> State:
    """Returns the state of run_dir; with --fresh any run there may be set aside.

    Raises:
      InputError: it holds something else, or a run that differs in what its results
        depend on.
    """
    folder = settings.run_dir
    last = "model" if settings.final_model else "report.md"
    try:
        begun, ended = ((folder / name).exists() for name in ("flags.txt", last))
    except OSError as error:
        raise InputError(f"--run_dir={folder}: {error.strerror}") from None
    if begun and settings.fresh:
        return State.NEW
    if not begun:
        run_dir.check(folder)
        return State.NEW
    asked, said = flags_text.agreed(settings), _lines(folder / "flags.txt")
    differs = set(asked).symmetric_difference(said)
    if asked != said:  # the order of grids is that of the conditions
        raise InputError(
            f"--run_dir={folder} holds a run of other flags "
            f"({', '.join(sorted(differs)) or 'in another order':.400}): repeat its "
            "flags, name a new folder, or set it aside by --fresh"
        )
    return State.FINISHED if ended else State.UNFINISHED


def check_environment(folder: Path, now: dict[str, Any]) -> None:
    """Raises InputError where a run was begun with other versions or devices."""
    _same(folder / "environment.json", "vladser", now["vladser"])
    for package in _VERSIONS:
        _same(folder / "environment.json", package, now["packages"][package])
    _same(folder / "environment.json", "devices", now["devices"])


def check_data(folder: Path, digest: str) -> None:
    """Raises InputError where a run was begun on other data."""
    _same(folder / "dataset.json", "digest", digest)


def _lines(path: Path) -> list[str]:
    try:
        return flags_text.shared(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeError):
        raise _damaged(path) from None


def _same(path: Path, name: str, now: str | list[str]) -> None:
    if not path.exists():  # it stopped before that was written
        return
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        then = (said | said.get("packages", {}))[name]
        if type(then) is not type(now) or not str(then).isprintable():
            raise TypeError
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise _damaged(path) from None
    if then != now:
        raise InputError(
            f"--run_dir={path.parent} was begun with {name} {then}, now it is {now}: "
            "name a new folder, or set it aside by --fresh"
        )


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged: name a new --run_dir, or set this one aside by --fresh"
    )
