"""Files that are there whole or not at all, and digests that notice damage."""

import codecs
import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from vladser.errors import InputError

SUMS = "SHA256SUMS"  # `sha256sum -c SHA256SUMS` reads it as well
UNFINISHED = ".unfinished"  # the suffix of a file that is being written
TEXT: Mapping[str, Any] = {"encoding": "utf-8", "newline": ""}
_LINE = re.compile(r"([0-9a-f]{64})  (.+?)\r?\n")


@contextmanager
def whole(path: Path, mode: str = "w", **options: Any) -> Iterator[IO]:
    """Opens a file as `open` does. It gets its name once all of it is on the disk, and
    replaces one that is there.

    Raises:
      InputError: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        with unfinished.open(mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):  # it has its name, or the disk is only read
            unfinished.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Writes bytes, see `whole`."""
    with whole(path, "wb") as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Writes a text in UTF-8, see `whole`."""
    with whole(path, **TEXT) as file:
        file.write(text)


def read_text(path: Path) -> str:
    """Returns a text in UTF-8, or in UTF-16 with its byte-order mark, as Excel and
    PowerShell write it; raises OSError, or UnicodeError for another encoding."""
    content = path.read_bytes()
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig")


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, see `whole`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a table row by row, see `whole`."""
    with whole(path, **TEXT) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def make_folder(folder: Path) -> None:
    """Makes the folder and those above it where they do not exist."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from None


def unwritable(path: Path, error: OSError) -> InputError:
    """Returns the error that says why a file cannot be written."""
    return InputError(f"{path} cannot be written: {error.strerror}")


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Writes SHA256SUMS, a line for each of the named files that is there.

    Raises:
      InputError: a file cannot be read, or SHA256SUMS cannot be written.
    """
    lines = (f"{sum}  {name}\n" for name, sum in _digests(folder, names).items())
    write_text(folder / SUMS, "".join(lines))


def check_sums(folder: Path, names: Iterable[str]) -> None:
    """Compares the named files with SHA256SUMS, which has to be there.

    Raises:
      InputError: names the first file that is damaged, missing or not listed.
    """
    names = list(names)
    listed, there = _listed(folder / SUMS), _digests(folder, names)
    for name in names:
        if listed.get(name) != there.get(name):
            fault = _fault(folder / name, listed.get(name))
            raise InputError(f"{folder / name} is {fault}")


def _fault(path: Path, listed: str | None) -> str:
    """Returns what is wrong with a file, and how it came about where that shows."""
    content = path.read_bytes() if path.is_file() else b""
    if content.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS: `git lfs pull` puts the file in its place"
    if hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest() == listed:
        return "changed: it has line ends of Windows (git: core.autocrlf); copy it anew"
    return "damaged or missing: not as SHA256SUMS says"


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Returns the digests of the files that are there."""
    try:
        return {n: digest(folder / n) for n in names if (folder / n).exists()}
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from None


def _listed(path: Path) -> dict[str, str]:
    try:
        lines = path.read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if not match or match[2] in listed:
            raise InputError(f"{path}:{number}: damaged: not a digest and a file name")
        listed[match[2]] = match[1]
    return listed
