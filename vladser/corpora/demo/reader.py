"""The demo corpus: synthetic emotional speech, made where it is first read.

Ten voices say the same dozen sentences in anger, happiness, sadness and neutrally. Only
rate, pitch, pitch range and volume tell the emotions apart, and they overlap. There are
a fifteenth of IEMOCAP's utterances, by speaker and emotion, and they are named alike.

Making it takes `pip install 'vladser[demo]'`: espeak-ng, which is GPL-3. It is a tool
that the demo runs; nothing of it is distributed with vladser.
"""

import hashlib
import io
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import NamedTuple

import soundfile

from vladser import files
from vladser.corpora import iemocap
from vladser.corpora.demo.speech import REVISION, SAMPLE_RATE, Line, speak
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

_STAMP = "vladser-demo.txt"
_MADE_BY = ("espeakng-loader", "audresample")
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
# Rate, pitch, range and volume in the units of `speech.Line`, added to the speaker's
# own and scattered. With ten voices as different as these, a logistic regression on the
# means and deviations of the 147 features reaches a UA of 0.74 on held-out speakers.
_EMOTIONS = {
    "angry": (25, 4, 0, 36),
    "happy": (10, 22, 28, 2),
    "excited": (20, 30, 36, 6),
    "neutral": (0, 0, 0, 0),
    "sad": (-25, -12, -25, -22),
}
_SCATTER = (12, 7, 12, 8)
# Slower or louder, utterances get long, or clip.
_LOWEST = (145, 0, 0, 40)
_HIGHEST = (300, 100, 100, 115)


class Turn(NamedTuple):
    """A planned utterance."""

    name: str
    speaker: str
    emotion: str
    line: Line


def read(folder: Path) -> Corpus:
    """Reads the demo corpus in a folder; makes it first, in seconds, where it is not.

    Raises:
      InputError: espeakng-loader is not installed, the folder cannot be written, holds
        something else, or a file in it is damaged.
    """
    turns = plan()
    make(folder, turns)
    utterances = [
        Utterance(name, folder / f"{name}.wav", speaker, emotion, session=speaker[:-1])
        for name, speaker, emotion, _ in turns
    ]
    return Corpus(utterances, [])


def plan() -> list[Turn]:
    """Returns the turns of the demo, speaker by speaker: the same everywhere."""
    random, turns = Random(2020), []
    for speaker, counts in iemocap.COUNTS.items():
        session, letter = speaker[:-1], speaker[-1]
        voice = f"en-us+{letter.lower()}{session[-1]}"
        own = random.uniform(175, 205), random.uniform(40, 50), 50, 70
        angry, happy, sad, neutral = (round(count / 15) for count in counts)
        excited = round(happy * 0.6)
        of_each = (angry, happy - excited, excited, neutral, sad)
        emotions = random.sample(list(_EMOTIONS), counts=of_each, k=sum(of_each))
        for index, emotion in enumerate(emotions):
            limits = zip(_SCATTER, _LOWEST, _HIGHEST, strict=True)
            prosody = [
                round(min(max(base + shift + random.gauss(0, scatter), low), high))
                for base, shift, (scatter, low, high) in zip(
                    own, _EMOTIONS[emotion], limits, strict=True
                )
            ]
            name = f"{session}F_impro01_{letter}{index:03d}"
            line = Line(random.choice(_SENTENCES), voice, *prosody)
            turns.append(Turn(name, speaker, emotion, line))
    return turns


def make(folder: Path, turns: Sequence[Turn]) -> None:
    """Makes all or none of the recordings of turns, unless they are there."""
    try:
        made_by = [f"{name} {version(name)}" for name in _MADE_BY]
    except PackageNotFoundError as error:
        raise InputError(
            f"the demo corpus needs {error.name}: pip install 'vladser[demo]'"
        ) from error
    # All that decides the samples.
    digest = hashlib.sha256(repr(turns).encode()).hexdigest()[:16]
    stamp = f"demo, revision {REVISION}, plan {digest}, {', '.join(made_by)}\n"
    if _holds(folder, stamp, turns):
        return
    recordings = speak([turn.line for turn in turns])
    target = folder.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=target.parent) as scratch:
            release = Path(scratch, "release")
            release.mkdir()
            for turn, samples in zip(turns, recordings, strict=True):
                # Not to the file, since libsndfile does not say that a disk is full.
                sound = io.BytesIO()
                soundfile.write(sound, samples, SAMPLE_RATE, "PCM_16", format="WAV")
                (release / f"{turn.name}.wav").write_bytes(sound.getvalue())
            files.write_sums(release, [f"{turn.name}.wav" for turn in turns])
            (release / _STAMP).write_text(stamp)
            if not _holds(folder, stamp, turns):  # another process may have been faster
                release.replace(target)
    except OSError as error:
        raise InputError(f"{folder}: cannot write the demo corpus: {error}") from error


def _holds(folder: Path, stamp: str, turns: Sequence[Turn]) -> bool:
    """Returns whether a folder is that release, rather than absent or empty."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    file = folder / _STAMP
    if not file.is_file() or file.read_bytes() != stamp.encode():
        raise InputError(
            f"{folder}: holds something else, or the demo of another version; expected "
            "a new or empty folder"
        )
    try:
        files.check_sums(folder, [f"{turn.name}.wav" for turn in turns])
    except InputError as error:
        raise InputError(f"{error}; delete the folder") from None
    return True
