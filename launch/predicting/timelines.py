"""Plots of long recordings."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from launch.experiment import run_dir
from launch.predicting import formats
from launch.predicting.classifying import Classified
from vladser.plots import lines
from vladser.types import Utterance


def write(
    folder: Path, recordings: Sequence[Sequence[Utterance]], classified: Classified
) -> None:
    """Writes NAME.png for each recording that has a good window, NAME-2.png for a
    second recording of that name.

    Args:
      folder: where the files go.
      recordings: the windows of each; their ids are their places in `classified`.
      classified: what the model says of all windows.

    Raises:
      InputError: a file cannot be written.
    """
    taken = set()
    for windows in recordings:
        places = [int(window.id) for window in windows]
        if all(place in classified.bad for place in places):
            continue
        file, number = windows[0].file, 1
        while (name := file.stem + f"-{number}" * (number > 1)) in taken:
            number += 1
        taken.add(name)
        starts, ends = np.array([(w.start, w.end) for w in windows], float).T
        figure = lines.by_time(
            starts,
            ends,
            classified.probabilities[places],
            classified.emotions,
            formats.shown(file.name),
        )
        with warnings.catch_warnings():  # letters that the font lacks become boxes
            warnings.filterwarnings("ignore", "Glyph |Matplotlib currently does not")
            run_dir.write_png(folder / f"{name}.png", figure)
