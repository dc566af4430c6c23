"""SHA256SUMS: the digests of the results in a run directory. It is written when all of
them are, and `sha256sum -c SHA256SUMS` checks it as well."""

import hashlib
import re
from pathlib import Path

from launch import run_dir
from vladser.errors import InputError

NAME = "SHA256SUMS"
# Not the report, which can be made anew, nor checkpoints, which carry their own.
_RESULTS = (
    "flags.txt",
    "environment.json",
    "dataset.json",
    "audit.json",
    "metrics.jsonl",
    "clusters.jsonl",
    "predictions.csv",
    "confusion.png",
    "summary.json",
)
_LINE = re.compile(rf"([0-9a-f]{{64}})  ({'|'.join(map(re.escape, _RESULTS))})")


def write(folder: Path) -> None:
    """Writes SHA256SUMS, of all results that are in the folder.

    Raises:
      InputError: a result cannot be read, or SHA256SUMS not be written.
    """
    lines = (f"{digest}  {name}\n" for name, digest in _digests(folder).items())
    run_dir.write_text(folder / NAME, "".join(lines))


def check(folder: Path) -> None:
    """Compares the results with SHA256SUMS, which is there.

    Raises:
      InputError: names the first file that is damaged, missing or too many.
    """
    said, there = _said(folder / NAME), _digests(folder)
    for name in _RESULTS:
        if said.get(name) == there.get(name):
            continue
        if name not in said:
            raise InputError(f"{folder / name} is not in {NAME}: of another run?")
        if name not in there:
            raise InputError(f"{folder / name} is missing, though it is in {NAME}")
        raise InputError(f"{folder / name} is not as {NAME} says: damaged or changed")


def of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits.

    Raises:
      OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _said(path: Path) -> dict[str, str]:
    try:
        lines = path.read_bytes().decode("ascii", "replace").split("\n")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    said = {}
    for number, line in enumerate(lines[:-1], 1):
        if not (found := _LINE.fullmatch(line)) or found[2] in said:
            raise InputError(f"{path}:{number}: no digest of a result: damaged")
        said[found[2]] = found[1]
    if lines[-1] or "summary.json" not in said:
        raise InputError(f"{path}:{len(lines)}: cut short: damaged")
    return said


def _digests(folder: Path) -> dict[str, str]:
    """By name, of the results that are there."""
    found = {}
    for name in _RESULTS:
        try:
            found[name] = of(folder / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{folder / name}: {error.strerror}") from None
    return found
