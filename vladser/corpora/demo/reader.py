"""The demo corpus: synthetic emotional speech, made where it is first read.

Ten voices say the same dozen sentences in anger, happiness, sadness and neutrally. Only
rate, pitch, pitch range and volume tell the emotions apart, and they overlap. It is
written as an IEMOCAP release with a fifteenth of IEMOCAP's counts and read as one.

Making it takes `pip install 'vladser[demo]'`: espeak-ng, which is GPL-3. It is a tool
that the demo runs; nothing of it is distributed with vladser.
"""

import hashlib
import io
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import soundfile

from vladser import files
from vladser.corpora import iemocap
from vladser.corpora.demo.plan import Turn, plan
from vladser.corpora.demo.speech import REVISION, SAMPLE_RATE, speak
from vladser.errors import InputError
from vladser.types import Corpus

_STAMP = "vladser-demo.txt"
_MADE_BY = ("espeakng-loader", "audresample")
_HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
_RATINGS = "[2.5000, 2.5000, 2.5000]"  # of valence, activation, dominance: nobody's
_PAUSE = 0.5  # seconds between two turns of a dialogue


def read(folder: Path) -> Corpus:
    """Reads the demo corpus in a folder; makes it first, in seconds, where it is not.

    Raises:
      InputError: espeakng-loader is not installed, the folder cannot be written, holds
        something else, or a file in it is damaged.
    """
    make(folder, plan())
    return iemocap.read(folder)


def make(folder: Path, turns: Sequence[Turn]) -> None:
    """Makes the release of these turns, unless it is there: whole or not at all.

    Raises:
      InputError: as `read`.
    """
    stamp = _stamp(turns)
    if _holds(folder, stamp, turns):
        return
    recordings = speak([turn.line for turn in turns])
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=target.parent) as scratch:
            release = Path(scratch, "release")
            _write(release, turns, recordings)
            (release / _STAMP).write_text(stamp + _digest(release, turns))
            if not _holds(folder, stamp, turns):  # another process may have been faster
                release.replace(target)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the demo corpus: {error}") from error


def _stamp(turns: Sequence[Turn]) -> str:
    """Returns a line that names all that decides the samples."""
    try:
        made_by = [f"{name} {version(name)}" for name in _MADE_BY]
    except PackageNotFoundError as error:
        raise InputError(
            f"the demo corpus needs {error.name}: pip install 'vladser[demo]'"
        ) from error
    plan_digest = hashlib.sha256(repr(turns).encode()).hexdigest()[:16]
    return f"revision {REVISION}, plan {plan_digest}, {', '.join(made_by)}\n"


def _holds(folder: Path, stamp: str, turns: Sequence[Turn]) -> bool:
    """Returns whether a folder is that release, rather than absent or empty."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; the demo corpus needs one")
    if not any(folder.iterdir()):
        return False
    if not (folder / _STAMP).is_file():
        raise InputError(f"{folder}: holds something else; name a new or empty folder")
    said = (folder / _STAMP).read_bytes()
    if not said.startswith(stamp.encode()):
        raise InputError(f"{folder}: the demo of another version; delete it")
    try:
        whole = said == (stamp + _digest(folder, turns)).encode()
    except OSError:
        whole = False
    if not whole:
        raise InputError(f"{folder}: a file is damaged or missing; delete the folder")
    return True


def _digest(release: Path, turns: Sequence[Turn]) -> str:
    sums = hashlib.sha256()
    for file in dict.fromkeys(file for turn in turns for file in _files(turn)):
        sums.update(bytes.fromhex(files.digest(release / file)))
    return f"{sums.hexdigest()}\n"


def _write(
    release: Path, turns: Sequence[Turn], recordings: Sequence[np.ndarray]
) -> None:
    end, lines = 0.0, defaultdict[Path, list[str]](list)
    for turn, samples in zip(turns, recordings, strict=True):
        wav, labels = (release / file for file in _files(turn))
        wav.parent.mkdir(parents=True, exist_ok=True)
        # Not to the file, for libsndfile does not say that a disk is full.
        sound = io.BytesIO()
        soundfile.write(sound, samples, SAMPLE_RATE, "PCM_16", format="WAV")
        wav.write_bytes(sound.getvalue())
        start = end + _PAUSE if lines[labels] else 0.0
        end = start + len(samples) / SAMPLE_RATE
        times = f"[{start:.4f} - {end:.4f}]"
        lines[labels].append(f"{times}\t{turn.name}\t{turn.label}\t{_RATINGS}\n")
    for labels, of_dialogue in lines.items():
        labels.parent.mkdir(parents=True)
        labels.write_text(f"{_HEADER}\n\n{''.join(of_dialogue)}")


def _files(turn: Turn) -> tuple[Path, Path]:
    """Returns the recording of a turn, and the labels of its dialogue."""
    dialogue = turn.name.rpartition("_")[0]
    session = Path(f"Session{int(turn.name[3:5])}")
    return (
        session / "sentences" / "wav" / dialogue / f"{turn.name}.wav",
        session / "dialog" / "EmoEvaluation" / f"{dialogue}.txt",
    )
