"""Pictures of long recordings."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from launch.experiment import run_dir
from launch.predicting import outputs
from launch.predicting.classifying import Classified
from vladser.plots import timeline
from vladser.types import Utterance


def write(
    folder: Path, recordings: Sequence[Sequence[Utterance]], found: Classified
) -> None:
    """Writes NAME.png for each recording that is not all bad, NAME-2.png for a second
    one of that name.

    Args:
      recordings: the windows of each; the ids are their places.

    Raises:
      InputError: a file cannot be written.
    """
    taken = set()
    for windows in recordings:
        places = [int(window.id) for window in windows]
        if all(place in found.bad for place in places):
            continue
        file, number = windows[0].file, 1
        while (name := file.stem + f"-{number}" * (number > 1)) in taken:
            number += 1
        taken.add(name)
        starts, ends = np.array([(w.start, w.end) for w in windows], float).T
        probabilities = found.probabilities[places]
        title = outputs.shown(file.name)
        figure = timeline.draw(starts, ends, probabilities, found.emotions, title)
        with warnings.catch_warnings():  # letters that the font lacks become boxes
            warnings.filterwarnings("ignore", "Glyph |Matplotlib currently does not")
            run_dir.write_png(folder / f"{name}.png", figure)
