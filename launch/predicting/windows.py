"""Long recordings: cut into windows, each classified by itself, and drawn over time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from launch.output import pictures
from launch.predicting import predictions
from launch.predicting.predictions import Predictions
from vladser.features import audio
from vladser.types import Utterance

_SHORTEST = 0.06  # seconds


def spans(seconds: float, window: float, hop: float) -> Iterator[tuple[float, float]]:
    """Yields the start and end of each window of a recording, all in seconds.

    Windows start every `hop`; a last one ends where the recording ends, unless it would
    add less than 60 ms. A recording shorter than `window` is one window.
    """
    if seconds <= window:
        yield 0.0, seconds
        return
    full = 1 + int((seconds - window) / hop + 1e-9)
    for number in range(full):
        yield number * hop, number * hop + window
    if seconds - ((full - 1) * hop + window) >= _SHORTEST:
        yield seconds - window, seconds


def cut(
    utterances: Sequence[Utterance], window: float, hop: float
) -> list[list[Utterance]]:
    """Cuts recordings, or segments, into windows, whose ids count through all."""
    places = count()
    return [
        [replace(window, id=str(next(places))) for window in _cut(u, window, hop)]
        for u in utterances
    ]


def _cut(utterance: Utterance, window: float, hop: float) -> list[Utterance]:
    """What is bad stays whole: extraction reports why."""
    seconds = audio.seconds(utterance.file) or 0.0
    start = utterance.start or 0.0
    end = seconds if utterance.end is None else utterance.end
    if not start < end <= seconds + audio.ROUNDING:
        return [utterance]
    # Rounded to microseconds: 0.1 * 3 is not 0.3.
    return [
        replace(utterance, start=round(start + begin, 6), end=round(start + until, 6))
        for begin, until in spans(end - start, window, hop)
    ]


def draw(
    folder: Path, recordings: Sequence[Sequence[Utterance]], predicted: Predictions
) -> None:
    """Writes NAME.png for each recording that has a good window, NAME-2.png for a
    second one of that name; raises InputError.

    Args:
      folder: where the files go.
      recordings: the windows of each; their ids are their places in `predicted`.
      predicted: what the model says of all windows.
    """
    from vladser.plots import lines  # late because it imports matplotlib

    taken = set()
    for windows in recordings:
        places = [int(window.id) for window in windows]
        if all(place in predicted.bad for place in places):
            continue
        file = windows[0].file
        names = (f"{file.stem}-{n}" if n > 1 else file.stem for n in count(1))
        taken.add(name := next(name for name in names if name not in taken))
        starts, ends = np.array([(w.start, w.end) for w in windows], float).T
        figure = lines.by_time(
            starts,
            ends,
            predicted.probabilities[places],
            predicted.emotions,
            predictions.shown(file.name),
        )
        pictures.write(folder / f"{name}.png", figure)
