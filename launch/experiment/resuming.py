"""Whether a run directory may be filled: it is new, or its run is to be resumed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from launch.command_line import flags
from launch.command_line.flags import Settings
from launch.experiment import run_dir
from vladser.errors import InputError

NEW, UNFINISHED, FINISHED = "new", "unfinished", "finished"


def check(settings: Settings) -> str:
    """Returns the state of run_dir; with --fresh any run there may be set aside.

    Raises:
      InputError: it holds something else, or a run of other flags.
    """
    folder = settings.run_dir
    file = folder / run_dir.FLAGS
    last = folder / ("model" if settings.final_model else "report.md")
    with run_dir.allowed(folder):
        begun, ended = file.exists(), last.exists()
    if not begun:
        run_dir.check(folder)
    if not begun or settings.fresh:
        return NEW
    try:
        written = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        raise _damaged(file) from None
    now, then = flags.agreed(settings), flags.shared(written)
    if now != then:  # the order of grids is that of the conditions
        differ = ", ".join(sorted(set(now) ^ set(then))) or "in another order"
        raise InputError(
            f"--run_dir={folder} holds a run of other flags ({differ:.400}): repeat "
            "its flags, name a new folder, or set it aside by --fresh"
        )
    return FINISHED if ended else UNFINISHED


def check_same(
    folder: Path, environment: dict[str, Any], dataset: dict[str, Any]
) -> None:
    """Checks that a run was begun with the versions, devices and data of now.

    Args:
      folder: the run directory; a file that it lacks was not yet written.
      environment, dataset: what the files of these names would hold now.

    Raises:
      InputError: it was begun with others.
    """
    _check(folder / "environment.json", _versions, environment)
    _check(folder / "dataset.json", lambda of: {"digest": of["digest"]}, dataset)


def _versions(environment: dict[str, Any]) -> dict[str, Any]:
    packages = {name: environment["packages"][name] for name in ("jax", "jaxlib")}
    versions = {name: environment[name] for name in ("vladser", "devices")}
    return versions | packages | environment.get("code", {})


def _check(path: Path, select: Callable[[Any], dict], now: dict[str, Any]) -> None:
    if not path.exists():
        return
    try:
        then = select(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise _damaged(path) from None
    chosen = select(now)
    for name in then | chosen:
        before, value = then.get(name), chosen.get(name)
        if before != value:
            raise InputError(
                f"--run_dir={path.parent} was begun with {name} {before!r:.200}, "
                f"now it is {value!r}: name a new folder, or set it aside by --fresh"
            )


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged: name a new --run_dir, or set this one aside by --fresh"
    )
