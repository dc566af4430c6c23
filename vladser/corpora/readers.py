"""Reads any corpus, by its name."""

from importlib import import_module
from pathlib import Path

from vladser.corpora import READERS
from vladser.errors import InputError
from vladser.types import Corpus


def names() -> list[str]:
    """The corpora that `read` knows, in alphabetical order."""
    return sorted(READERS)


def read(name: str, folder: Path) -> Corpus:
    """Reads the corpus `name` from `folder` (for `manifest`: from a CSV file).

    Raises:
      InputError: an unknown corpus, a folder that does not hold it, or one of which
        something cannot be read.
    """
    if name not in names():
        raise InputError(f"unknown corpus {name!r}: one of {', '.join(names())}")
    reader = import_module(READERS[name])
    try:
        return reader.read(Path(folder))
    except OSError as error:
        where = error.filename or folder
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
