"""Corpora: who said what, in which emotion. One reader a file: folder -> Corpus.

To add a corpus, add a file with a function `read(folder) -> Corpus` here: its name is
the value of `--corpus`.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from vladser.errors import InputError
from vladser.types import Corpus

_NOT_READERS = {"cross", "demo_plan", "demo_speech", "emotions", "filenames"}


def names() -> list[str]:
    """The corpora that `read` knows, in alphabetical order."""
    found = {module.name for module in iter_modules(__path__)}
    return sorted(found - _NOT_READERS)


def read(name: str, folder: Path) -> Corpus:
    """Reads the corpus `name` from `folder` (for `manifest`: from a CSV file).

    Raises:
      InputError: an unknown corpus, a folder that does not hold it, or one of which
        something cannot be read.
    """
    if name not in names():
        raise InputError(f"unknown corpus {name!r}: one of {', '.join(names())}")
    reader = import_module(f"{__name__}.{name}")
    try:
        return reader.read(Path(folder))
    except OSError as error:
        where = error.filename or folder
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
