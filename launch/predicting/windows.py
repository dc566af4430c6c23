"""Long recordings as windows, each of which is classified as a signal of its own."""

from collections.abc import Iterator
from dataclasses import replace

from vladser.features import audio
from vladser.types import Utterance

_SHORTEST = 0.06  # seconds


def spans(seconds: float, window: float, hop: float) -> Iterator[tuple[float, float]]:
    """Begin and end of the windows of a recording, all times in seconds.

    One window every `hop`; a last one ends where the recording ends, unless less than
    60 ms would be new in it. All are as long as `window`, but that a shorter recording
    is one window.
    """
    if seconds <= window:
        yield 0.0, seconds
        return
    count = 1 + int((seconds - window) / hop + 1e-9)
    for number in range(count):
        yield number * hop, number * hop + window
    if seconds - ((count - 1) * hop + window) >= _SHORTEST:
        yield seconds - window, seconds


def cut(utterance: Utterance, window: float, hop: float) -> list[Utterance]:
    """The windows of a recording, or of a segment of one.

    Whatever the header of the file makes impossible stays as it is: extraction will
    say why it is bad.
    """
    found = audio.header(utterance.file)
    # More than a second a byte says only a header that is damaged.
    if found is None or found[1] > utterance.file.stat().st_size:
        return [utterance]
    start = utterance.start or 0.0
    end = found[1] if utterance.end is None else utterance.end
    if not start < end <= found[1] + _SHORTEST:
        return [utterance]
    # Microseconds, for 0.1 * 3 is no 0.3.
    return [
        replace(utterance, start=round(start + begin, 6), end=round(start + until, 6))
        for begin, until in spans(end - start, window, hop)
    ]
