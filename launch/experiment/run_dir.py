"""The run directory: the files that an experiment leaves behind."""

import csv
import errno
import io
import json
import platform
import subprocess
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import vladser
from launch.experiment import terminal
from vladser import files
from vladser.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLAGS = "flags.txt"
# What SHA256SUMS lists: not the report, which can be written again, nor checkpoints,
# which hold checksums.
RESULTS = (
    FLAGS,
    "environment.json",
    "dataset.json",
    "audit.json",
    "metrics.jsonl",
    "clusters.jsonl",
    "predictions.csv",
    "confusion.png",
    "summary.json",
)
LOCK = ".lock"
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "opensmile", "audresample")


@contextmanager
def allowed(folder: Path, problem: str = "") -> Iterator[None]:
    """Raises InputError where the system refuses something in a run directory."""
    try:
        yield
    except OSError as error:
        raise InputError(f"--run_dir={folder}{problem}: {error.strerror}") from None


def make(folder: Path) -> None:
    """Makes the folder and those above it where they do not exist."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and locks it, as long as this process lives; removes what a
    process that was killed had not finished there. Raises InputError where another
    process works in it, or files cannot be locked."""
    make(folder)
    with _lock(folder, folder / LOCK):
        for file in folder.rglob(f".*{files.UNFINISHED}"):
            with suppress(OSError):
                file.unlink()
        yield


def _lock(folder: Path, file: Path) -> AbstractContextManager:
    """Locks a folder by a file in it; raises InputError where that is not possible."""
    try:
        # Where the system has no locks, filelock warns and the file itself is the lock:
        # one that was left by another machine stays until it is deleted.
        with warnings.catch_warnings(record=True) as by_file:
            warnings.simplefilter("always")
            return FileLock(file).acquire(timeout=0)
    except Timeout:
        left = f", or delete {file} if that process has ended" if by_file else ""
        raise InputError(
            f"--run_dir={folder}: another process works in it and holds {file}: wait, "
            f"or name another folder{left}"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP):
            with allowed(folder, " cannot be written"):
                raise
        raise InputError(
            f"--run_dir={folder}: {file} cannot be locked: {error.strerror}: name a "
            "folder on another disk"
        ) from None


def set_aside(folder: Path) -> Path:
    """Renames a folder to the first free name of NAME.1, NAME.2, ...; returns that."""
    names = (folder.with_name(f"{folder.name}.{number}") for number in count(1))
    with locked(folder), allowed(folder, " cannot be set aside"):
        return folder.rename(next(path for path in names if not path.exists()))


def write_json(path: Path, value: Any) -> None:
    """Writes a value as indented JSON, see `files.whole`."""
    files.write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a table row by row, see `files.whole`."""
    with files.whole(path, **files.TEXT) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_png(path: Path, figure: "Figure") -> None:
    """Writes a figure as a picture; one that cannot be drawn is a note, since results
    matter more than their pictures."""
    from vladser.plots import style  # late because it imports matplotlib

    picture = io.BytesIO()
    try:
        with style.look():
            style.spell_out(figure)
            figure.savefig(picture, format="png")
    except Exception as error:
        terminal.say(f"note: {path} cannot be drawn: {error!r:.200}")
        return
    files.write_bytes(path, picture.getvalue())


def environment(code: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns what the figures of a run may depend on beside its flags and data.

    Args:
      code: the digests of the user's own files by name, see `own_code.sources`.
    """
    import jax

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "vladser": vladser.__version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "host": {"name": platform.node(), "system": platform.platform()},
        "devices": [f"{d.platform}: {d.device_kind}" for d in jax.devices()],
        "code": dict(code or {}),
    }


def _revision() -> str | None:
    """Returns the commit of the sources, with "+" where they differ from it."""
    folder = Path(vladser.__file__).parent.parent
    if not (folder / ".git").exists():
        return None
    describe = "describe --always --exclude=* --abbrev=40 --dirty=+"
    command = ["git", "-C", str(folder), *describe.split()]
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() or None
    return None
