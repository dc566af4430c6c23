"""Whether a run directory may be filled: it is new, or its run is to go on."""

import json
from pathlib import Path
from typing import Any

from launch import flags_text, run_dir
from launch.flags import Settings
from vladser.errors import InputError

_VERSIONS = ("jax", "jaxlib")


def check(settings: Settings) -> bool:
    """Whether run_dir holds an unfinished run of these settings, which is to go on.

    Raises:
      InputError: it holds something else, or a run that differs in what its results
        depend on.
    """
    folder = settings.run_dir
    if not (folder / "flags.txt").exists() or (folder / "summary.json").exists():
        run_dir.check(folder)
        return False
    asked = flags_text.agreed(settings)
    if differs := set(asked).symmetric_difference(_lines(folder / "flags.txt")):
        raise InputError(
            f"--run_dir={folder} holds an unfinished run of other flags "
            f"({', '.join(sorted(differs))}): repeat its flags, or name a new folder"
        )
    return True


def check_environment(folder: Path, now: dict[str, Any]) -> None:
    """Raises InputError where a run was begun with other versions."""
    _same(folder / "environment.json", "vladser", now["vladser"])
    for package in _VERSIONS:
        _same(folder / "environment.json", package, now["packages"][package])


def check_data(folder: Path, digest: str) -> None:
    """Raises InputError where a run was begun on other data."""
    _same(folder / "dataset.json", "digest", digest)


def _lines(path: Path) -> list[str]:
    return flags_text.shared(path.read_text(encoding="utf-8").splitlines())


def _same(path: Path, name: str, now: str) -> None:
    if not path.exists():  # it stopped before that was written
        return
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        then = (said | said.get("packages", {}))[name]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path} is damaged: name a new --run_dir") from None
    if then != now:
        raise InputError(
            f"--run_dir={path.parent} was begun with {name} {then}, now it is {now}: "
            "name a new folder"
        )
