"""What an extraction would give, by the headers of files alone."""

from collections.abc import Sequence
from typing import NamedTuple

from vladser.contracts import Features
from vladser.features import audio, npy
from vladser.features.audio import BadAudio
from vladser.types import Utterance


class Expected(NamedTuple):
    """What the headers of files promise."""

    frames: dict[str, int]  # of each good utterance, by id
    dim: int  # D
    bad: dict[str, str]  # as `extraction.Extraction.bad`


def expect(
    utterances: Sequence[Utterance], features: Features, max_seconds: float
) -> Expected:
    """Tells what `extraction.extract` returns for the same arguments, to within a frame
    where audio is resampled, but for what only decoding shows."""
    if not features.setup:
        shapes, reasons = npy.shapes(utterances, features.dim)
        dim = max((columns for _, columns in shapes.values()), default=0)
        frames = {id: frames for id, (frames, _) in shapes.items()}
    else:
        frames, reasons, dim = {}, {}, features.dim
        for u in utterances:
            try:
                count = audio.expected_samples(u, max_seconds, features.shortest)
                frames[u.id] = features.frames(count) if features.frames else count
            except BadAudio as reason:
                reasons[u.id] = reason
    file = {u.id: u.file for u in utterances}
    return Expected(
        frames, dim, {id: f"{file[id]}: {reason}" for id, reason in reasons.items()}
    )
