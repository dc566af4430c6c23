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
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile

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
    """Reads the demo corpus in `folder`; makes it first (seconds) where there is none,
    and again where a file of it is damaged or missing.

    Raises:
      InputError: espeakng-loader is not installed, the folder cannot be written, or it
        holds something else, such as the demo of another version.
    """
    mended = make(folder, plan())
    corpus = iemocap.read(folder)
    note = f"{folder}: a file was damaged or missing: the demo corpus was made again"
    return corpus._replace(notes=[note, *corpus.notes]) if mended else corpus


def make(folder: Path, turns: Sequence[Turn]) -> bool:
    """Makes `folder` the release of these turns, unless it is: whole or not at all.

    Returns:
      Whether the release was there, but damaged; it is whole now.

    Raises:
      InputError: as `read`.
    """
    stamp = _stamp(turns)
    there = _holds(folder, stamp)
    if there and _whole(folder, stamp, turns):
        return False
    recordings = speak([turn.line for turn in turns])
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=target.parent) as scratch:
            release = Path(scratch, "release")
            _write(release, turns, recordings)
            (release / _STAMP).write_text(stamp + _digest(release, turns))
            # Another process may have been faster.
            if not _holds(folder, stamp):
                release.replace(target)
            elif not _whole(folder, stamp, turns):
                for file in [*_files(turns), Path(_STAMP)]:
                    (target / file).parent.mkdir(parents=True, exist_ok=True)
                    (release / file).replace(target / file)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the demo corpus: {error}") from error
    return there


def _stamp(turns: Sequence[Turn]) -> str:
    """One line that names all that decides the samples."""
    try:
        made_by = [f"{name} {version(name)}" for name in _MADE_BY]
    except PackageNotFoundError as error:
        raise InputError(
            f"the demo corpus needs {error.name}: pip install 'vladser[demo]'"
        ) from error
    plan_digest = hashlib.sha256(repr(turns).encode()).hexdigest()[:16]
    return f"revision {REVISION}, plan {plan_digest}, {', '.join(made_by)}\n"


def _holds(folder: Path, stamp: str) -> bool:
    """Whether `folder` is the release of this stamp, rather than absent or empty."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder; the demo corpus needs one")
    if not any(folder.iterdir()):
        return False
    if not (folder / _STAMP).is_file():
        raise InputError(f"{folder}: holds something else; name a new or empty folder")
    if not (folder / _STAMP).read_bytes().startswith(stamp.encode()):
        raise InputError(f"{folder}: the demo of another version; delete it")
    return True


def _whole(folder: Path, stamp: str, turns: Sequence[Turn]) -> bool:
    """Whether all files of the release are as they were written."""
    try:
        digest = _digest(folder, turns)
    except OSError:
        return False
    return (folder / _STAMP).read_bytes() == (stamp + digest).encode()


def _digest(release: Path, turns: Sequence[Turn]) -> str:
    sums = hashlib.sha256()
    for file in _files(turns):
        sums.update(hashlib.sha256((release / file).read_bytes()).digest())
    return f"{sums.hexdigest()}\n"


def _write(
    release: Path, turns: Sequence[Turn], recordings: Sequence[np.ndarray]
) -> None:
    spoken = zip(turns, recordings, strict=True)
    for labels, part in groupby(spoken, key=lambda pair: release / _labels(pair[0])):
        lines = [_HEADER, ""]
        start = 0.0
        for turn, samples in part:
            wav = release / _wav(turn)
            wav.parent.mkdir(parents=True, exist_ok=True)
            # Not to the file, for libsndfile does not say that a disk is full.
            sound = io.BytesIO()
            soundfile.write(sound, samples, SAMPLE_RATE, "PCM_16", format="WAV")
            wav.write_bytes(sound.getvalue())
            end = start + len(samples) / SAMPLE_RATE
            times = f"[{start:.4f} - {end:.4f}]"
            lines.append(f"{times}\t{turn.name}\t{turn.label}\t{_RATINGS}")
            start = end + _PAUSE
        labels.parent.mkdir(parents=True)
        labels.write_text("\n".join(lines) + "\n")


def _files(turns: Sequence[Turn]) -> list[Path]:
    """Those of the release, each once."""
    named = (file for turn in turns for file in (_wav(turn), _labels(turn)))
    return [*dict.fromkeys(named)]


def _wav(turn: Turn) -> Path:
    return _session(turn) / "sentences" / "wav" / _dialogue(turn) / f"{turn.name}.wav"


def _labels(turn: Turn) -> Path:
    return _session(turn) / "dialog" / "EmoEvaluation" / f"{_dialogue(turn)}.txt"


def _session(turn: Turn) -> Path:
    return Path(f"Session{int(turn.name[3:5])}")


def _dialogue(turn: Turn) -> str:
    return turn.name.rpartition("_")[0]
