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
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import soundfile

from vladser import files
from vladser.corpora import iemocap
from vladser.corpora.demo.speech import REVISION, SAMPLE_RATE, Line, speak
from vladser.errors import InputError
from vladser.types import Corpus

_STAMP = "vladser-demo.txt"
_MADE_BY = ("espeakng-loader", "audresample")
_HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]"
_RATINGS = "[2.5000, 2.5000, 2.5000]"  # of valence, activation, dominance: nobody's
_PAUSE = 0.5  # seconds between two turns of a dialogue
_SENTENCES = (
    "The keys are on the kitchen table.",
    "We left the car behind the station.",
    "My brother called about the meeting.",
    "She will be back before the weekend.",
    "They moved the books to the other room.",
    "I saw your message this morning.",
    "The train leaves at a quarter past nine.",
    "He put the letter under the door.",
    "There is another bag in the hall.",
    "You can take the road along the river.",
    "The window was open all night.",
    "It will be ready in seven hours.",
)


class Turn(NamedTuple):
    """A planned utterance: `name` and `label` as IEMOCAP writes them."""

    name: str
    label: str
    line: Line


# Rate, pitch, range and volume in the units of `speech.Line`. An utterance is its
# speaker's own prosody plus its emotion's, scattered. With ten voices as different as
# these, a logistic regression on the means and standard deviations of the 147 features
# reaches a UA of 0.74 on held-out speakers.
_EMOTIONS = {
    "ang": (25, 4, 0, 36),
    "hap": (10, 22, 28, 2),
    "exc": (20, 30, 36, 6),
    "neu": (0, 0, 0, 0),
    "sad": (-25, -12, -25, -22),
}
_SCATTER = (12, 7, 12, 8)
# Slower or louder, utterances get long, or clip.
_LOWEST = (145, 0, 0, 40)
_HIGHEST = (300, 100, 100, 115)


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
    if not folder.exists() or not any(folder.iterdir()):
        return False
    file = folder / _STAMP
    written = file.read_bytes() if file.is_file() else b""
    if not written.startswith(stamp.encode()):
        raise InputError(
            f"{folder}: holds something else, or the demo of another version; expected "
            "a new or empty folder"
        )
    with suppress(OSError):
        if written == (stamp + _digest(folder, turns)).encode():
            return True
    raise InputError(f"{folder}: a file is damaged or missing; delete the folder")


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
        # Not to the file, since libsndfile does not say that a disk is full.
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


def plan() -> list[Turn]:
    """Returns the turns of the demo, speaker by speaker: the same everywhere."""
    random = Random(2020)
    return [turn for speaker in iemocap.COUNTS for turn in _turns(speaker, random)]


def _turns(speaker: str, random: Random) -> Iterator[Turn]:
    session, letter = speaker[:-1], speaker[-1]
    voice = f"en-us+{letter.lower()}{session[-1]}"
    own = random.uniform(175, 205), random.uniform(40, 50), 50, 70
    angry, happy, sad, neutral = (round(n / 15) for n in iemocap.COUNTS[speaker])
    excited = round(happy * 0.6)
    counts = (angry, happy - excited, excited, neutral, sad)
    labels = random.sample(list(_EMOTIONS), counts=counts, k=sum(counts))
    for index, label in enumerate(labels):
        name = f"{session}F_impro01_{letter}{index:03d}"
        limits = zip(_SCATTER, _LOWEST, _HIGHEST, strict=True)
        prosody = [
            round(min(max(base + shift + random.gauss(0, scatter), lowest), highest))
            for base, shift, (scatter, lowest, highest) in zip(
                own, _EMOTIONS[label], limits, strict=True
            )
        ]
        yield Turn(name, label, Line(random.choice(_SENTENCES), voice, *prosody))
