"""Whether a run directory may be filled: it is new, or its run is to be resumed."""

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

from launch.command_line import flags
from launch.command_line.flags import Settings
from launch.experiment import run_dir
from vladser import files
from vladser.errors import InputError
from vladser.text import few

NEW, UNFINISHED, FINISHED = "new", "unfinished", "finished"


def check(settings: Settings) -> str:
    """Returns the state of run_dir; raises InputError where it holds something else, or
    a run of other flags, unless that may be set aside."""
    folder = settings.run_dir
    file = folder / run_dir.FLAGS
    last = folder / ("model" if settings.final_model else "report.md")
    with run_dir.allowed(folder):
        begun, ended = file.exists(), last.exists()
        for other in folder.iterdir() if folder.exists() and not begun else ():
            if other.name != run_dir.LOCK and other.suffix != files.UNFINISHED:
                raise InputError(
                    f"--run_dir={folder} is not empty ({other.name}): name a new folder"
                )
    if not begun or settings.fresh:
        return NEW
    written = _read(file, str.splitlines)
    now, then = flags.agreed(settings), flags.shared(written)
    if now != then:  # the order of grids is that of the conditions
        differ = few(sorted(set(now) ^ set(then))) or "in another order"
        raise InputError(
            f"--run_dir={folder} holds a run of other flags ({differ:.400}): repeat "
            "its flags, name a new folder, or set it aside by --fresh"
        )
    return FINISHED if ended else UNFINISHED


def check_same(
    folder: Path, environment: dict[str, Any], dataset: dict[str, Any]
) -> None:
    """Raises InputError where a run was begun with other versions, devices or data than
    these, which environment.json and dataset.json would hold now."""
    for name, select, now in (
        ("environment.json", _versions, environment),
        ("dataset.json", _digest, dataset),
    ):
        if not (folder / name).exists():  # it was not yet written
            continue
        then, chosen = _read(folder / name, json.loads, select), select(now)
        for key in then | chosen:
            before, value = then.get(key), chosen.get(key)
            # Of clusters, devices are known by batch: a run may go on without one.
            if before != value and [] not in (before, value):
                raise InputError(
                    f"--run_dir={folder} was begun with {key} {before!r:.200}, now "
                    f"it is {value!r}: name a new folder, or set it aside by --fresh"
                )


def _versions(environment: dict[str, Any]) -> dict[str, Any]:
    packages = {name: environment["packages"][name] for name in ("jax", "jaxlib")}
    versions = {name: environment[name] for name in ("vladser", "devices")}
    return versions | packages | environment.get("code", {})


def _digest(dataset: dict[str, Any]) -> dict[str, Any]:
    return {"digest": dataset["digest"]}


def _read(path: Path, *steps: Callable[[Any], Any]) -> Any:
    """Returns the text of a file after some steps."""
    try:
        return reduce(lambda value, step: step(value), steps, path.read_text("utf-8"))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise InputError(
            f"{path} is damaged: name a new --run_dir, or set this one aside by --fresh"
        ) from None
