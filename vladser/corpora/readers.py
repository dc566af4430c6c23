"""Reads any corpus, by its name or by the import path of its reader."""

from importlib import import_module
from pathlib import Path

from vladser.errors import InputError
from vladser.types import Corpus

# To add a corpus, add a function `folder -> Corpus` to this package, and a line here.
READERS = {
    "audformat": "audformat.read",
    "cremad": "acted.cremad",
    "demo": "demo.reader.read",
    "emodb": "acted.emodb",
    "iemocap": "iemocap.read",
    "manifest": "manifest.read",
    "nemo": "acted.nemo",
    "ravdess": "acted.ravdess",
    "savee": "acted.savee",
    "tess": "acted.tess",
}


def parse(text: str) -> str:
    """Checks the name of a corpus, of READERS or the import path of a module with a
    function `read(folder) -> Corpus`, which is not imported yet; raises InputError."""
    path = text.split(".")
    if text not in READERS and not (len(path) > 1 and all(map(str.isidentifier, path))):
        known = ", ".join(READERS)
        raise InputError(f"unknown corpus {text!r}: one of {known}, or an import path")
    return text


def read(name: str, folder: Path) -> Corpus:
    """Reads a corpus.

    Args:
      name: see `parse`; a module from elsewhere is imported, which runs it.
      folder: where the corpus is; for `manifest`, the CSV file.

    Raises:
      InputError: no such reader, or the folder does not hold the corpus.
    """
    path = f"{parse(name)}.read"
    if name in READERS:
        path = f"vladser.corpora.{READERS[name]}"
    module, _, function = path.rpartition(".")
    try:
        reader = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"corpus {name}: {error}") from error
    try:
        corpus = reader(Path(folder))
    except OSError as error:
        where = error.filename or folder
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    if not isinstance(corpus, Corpus):
        made = type(corpus).__name__
        raise InputError(f"corpus {name} is a {made}, expected a vladser.types.Corpus")
    return corpus
