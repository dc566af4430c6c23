"""How many frames an utterance will have, from the header of its file alone."""

from pathlib import Path

from vladser.features.audio import RATE, SHORTEST
from vladser.types import Utterance

HOP = 160  # samples between frames at 16 kHz


def frames(samples: int) -> int:
    """Frames of a signal of `samples` at 16 kHz, at least 960 of them, in any set."""
    return (samples - SHORTEST) // HOP + 2


def header(file: Path) -> tuple[int, float] | None:
    """Sampling rate and seconds that the header of an audio file says; None where it is
    no audio, or cannot be read."""
    import soundfile  # here, because cached features are read without it

    try:
        if not file.is_file():  # opening a pipe would wait for ever
            return None
        # By descriptor: libsndfile trusts the extension of a path (.raw, .au).
        with (
            file.open("rb") as handle,
            soundfile.SoundFile(handle.fileno(), closefd=False) as sound,
        ):
            return sound.samplerate, sound.frames / sound.samplerate
    except (OSError, soundfile.LibsndfileError):
        return None


def estimate(utterance: Utterance, max_seconds: float = 60.0) -> int | None:
    """Frames to expect, without decoding; None where the header says that `audio.load`
    would refuse the file."""
    if (found := header(utterance.file)) is None:
        return None
    rate, seconds = found
    end = seconds if utterance.end is None else min(utterance.end, seconds)
    seconds = end - (utterance.start or 0)
    if rate < RATE or not 0 < seconds <= max_seconds:
        return None
    samples = round(seconds * RATE)
    return frames(samples) if samples >= SHORTEST else None
