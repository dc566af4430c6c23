"""The folds that the flags ask for, and whether the corpus has them."""

from collections.abc import Sequence

import numpy as np

from launch.command_line import cli
from launch.command_line.flags import Settings
from vladser.data import dataset, folds
from vladser.types import Dataset, Fold, Utterance


def check(
    settings: Settings, utterances: Sequence[Utterance], classes: Sequence[str]
) -> None:
    """Checks that the corpus allows the protocol: this needs no features, which can
    take long to extract.

    Args:
      settings: of the run.
      utterances: of the corpus.
      classes: their emotions.

    Raises:
      UsageError: the corpus does not allow it.
    """
    frame = np.empty((1, 0), np.float32)
    without = {utterance.id: frame for utterance in utterances}
    folds_of(settings, dataset.build(utterances, without, classes, "none"))


def folds_of(settings: Settings, data: Dataset) -> list[Fold]:
    """Returns the folds; raises as `check`."""
    # Two corpora are one whose split tells them apart, see `vladser.corpora.cross`.
    hold_out = "split" if settings.test_corpus else settings.hold_out
    with cli.wrong_use():
        return folds.make(data, hold_out, settings.validation)
