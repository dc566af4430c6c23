"""How many frames an utterance will have, from the header of its file alone."""

from vladser.features.audio import RATE, SHORTEST
from vladser.types import Utterance

HOP = 160  # samples between frames at 16 kHz


def frames(samples: int) -> int:
    """Frames of a signal of `samples` at 16 kHz, at least 960 of them."""
    return (samples - SHORTEST) // HOP + 2


def estimate(utterance: Utterance) -> int | None:
    """Frames to expect, without decoding; None where the header cannot be read."""
    import soundfile  # here, because cached features are read without it

    try:
        seconds = soundfile.info(str(utterance.file)).duration
    except (OSError, soundfile.LibsndfileError):
        return None
    end = seconds if utterance.end is None else min(utterance.end, seconds)
    samples = round((end - (utterance.start or 0)) * RATE)
    return frames(samples) if samples >= SHORTEST else None
