"""The run directory: the files that an experiment leaves behind."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from vladser import files
from vladser.errors import InputError

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


@contextmanager
def allowed(folder: Path, problem: str = "") -> Iterator[None]:
    """Raises InputError where the system refuses something in a run directory."""
    try:
        yield
    except OSError as error:
        raise InputError(f"--run_dir={folder}{problem}: {error.strerror}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and locks it, as long as this process lives; removes what a
    process that was killed had not finished there. Raises InputError where another
    process works in it, or files cannot be locked."""
    files.make_folder(folder)
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
