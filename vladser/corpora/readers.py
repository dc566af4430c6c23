"""Reads any corpus, by its name or by the import path of its reader."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from vladser import own_code
from vladser.corpora import names
from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance

# To add a corpus, add a function `folder -> Corpus` to this package, and a line here.
READERS = {
    "aesdd": "acted.aesdd",
    "audformat": "audformat.read",
    "casia": "folders.casia",
    "cremad": "acted.cremad",
    "cremad_perceived": "cremad_perceived.read",
    "demo": "demo.reader.read",
    "emodb": "acted.emodb",
    "emovdb": "folders.emovdb",
    "emovo": "acted.emovo",
    "enterface": "folders.enterface",
    "esd": "folders.esd",
    "iemocap": "iemocap.read",
    "manifest": "manifest.read",
    "meld": "meld.read",
    "msp_improv": "msp_improv.read",
    "msp_podcast": "msp_podcast.read",
    "nemo": "acted.nemo",
    "ravdess": "acted.ravdess",
    "savee": "acted.savee",
    "shemo": "acted.shemo",
    "subesco": "acted.subesco",
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
    what = f"corpus {name}"
    blame: AbstractContextManager = nullcontext()
    if parse(name) in READERS:
        module, _, function = READERS[name].rpartition(".")
        reader = getattr(import_module(f"vladser.corpora.{module}"), function)
    else:
        reader = own_code.load(what, f"{name}.read")
        blame = own_code.blamed(what, name)
    with blame:
        try:
            corpus = reader(Path(folder))
        except OSError as error:
            where = error.filename or folder
            raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    if not isinstance(corpus, Corpus):
        made = type(corpus).__name__
        raise InputError(f"corpus {name} is a {made}, expected a vladser.types.Corpus")
    return corpus._replace(utterances=[*map(_normalized, corpus.utterances)])


def _normalized(utterance: Utterance) -> Utterance:
    """Returns the utterance with one way to write each name, emotions in lower case as
    `emotions.parse` has them, and a file that exists; raises InputError where nothing
    is left of a name."""
    session, text = utterance.session or "", utterance.text or ""
    speaker, emotion = map(names.normalize, (utterance.speaker, utterance.emotion))
    for what, name, given in (
        ("speaker", speaker, utterance.speaker),
        ("emotion", emotion, utterance.emotion),
    ):
        if not name:
            expected = "expected a name that can be seen"
            raise InputError(f"{utterance.id}: {what} {given!a}; {expected}")
    if speaker.lower() == UNKNOWN.lower():  # else one person, who would be held out
        speaker = UNKNOWN
    return replace(
        utterance,
        file=names.locate(utterance.file),
        speaker=speaker,
        emotion=emotion.lower(),
        session=names.normalize(session) or None,
        text=names.normalize(text) or None,
    )
