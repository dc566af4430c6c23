"""The run directory: the files that an experiment leaves behind."""

import csv
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import vladser
from vladser.errors import InputError

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "opensmile", "audresample")


def create(folder: Path) -> None:
    """Makes the folder of a new run.

    Raises:
      InputError: it cannot be made, or something is in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = next(folder.iterdir(), None)
    except OSError as error:
        raise InputError(f"--run_dir={folder}: {error.strerror}") from None
    if occupied:
        raise InputError(
            f"--run_dir={folder} is not empty ({occupied.name}): name a new folder"
        )


def write_text(path: Path, text: str) -> None:
    """Writes a file that is there whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".", delete=False, encoding="utf-8", newline=""
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes through a temporary file, so that a long table is never held in memory."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def environment() -> dict[str, Any]:
    """What the figures of a run may depend on beside its flags and data."""
    import jax

    return {
        "vladser": vladser.__version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "host": {"name": platform.node(), "system": platform.platform()},
        "devices": [f"{d.platform}: {d.device_kind}" for d in jax.devices()],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The commit of the sources, "+" behind it where they differ from it."""
    folder = Path(vladser.__file__).parent.parent
    if not (folder / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(folder),
        "describe",
        "--always",
        "--dirty=+",
        "--abbrev=40",
    ]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return None
