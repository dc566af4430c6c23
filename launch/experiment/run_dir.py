"""The run directory: the files that an experiment leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    process works in it."""
    files.make_folder(folder)
    with allowed(folder, " cannot be written"):
        try:
            lock = FileLock(folder / LOCK).acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"--run_dir={folder}: another process works in it: wait, or "
                "name another folder"
            ) from None
    with lock:
        for file in folder.rglob(f".*{files.UNFINISHED}"):
            with suppress(OSError):
                file.unlink()
        yield


def set_aside(folder: Path) -> Path:
    """Renames a folder to the first free name of NAME.1, NAME.2, ...; returns that."""
    names = (folder.with_name(f"{folder.name}.{number}") for number in count(1))
    with locked(folder), allowed(folder, " cannot be set aside"):
        return folder.rename(next(path for path in names if not path.exists()))
