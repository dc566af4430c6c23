"""Trains batches of trials on the devices of this machine, and tells what happens."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from launch.experiment.checkpoints import Figures
from vladser.engine import experiment, trial_batches
from vladser.engine.design import Design
from vladser.engine.events import Checkpoint, Compiled, Event, Outcome, Step
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import MemoryShort
from vladser.evaluation import netvlad_clusters

Resume = tuple[Checkpoint, Figures]


class News(NamedTuple):
    """What happened in a batch."""

    batch: TrialBatch
    event: Event | Results | MemoryShort  # the last: halves of the batch come next
    figures: Figures  # of the batch so far


def work(
    design: Design,
    batches: Iterable[TrialBatch],
    latest: Callable[[TrialBatch], Resume | None],
    minutes: float,
    asked: Callable[[], bool],
    models: bool = False,
) -> Iterator[News]:
    """Trains and tests batches, one after another.

    Args:
      latest: the last checkpoint of a batch, if there is one.
      minutes: between two checkpoints of a batch.
      asked: whether to stop: after a batch, or a last checkpoint of it.
      models: whether to yield the Outcome of a batch, with its trained parameters, or
        only the Results.

    Raises:
      MemoryShort: the devices have no memory for one trial alone.
    """
    todo = deque(batches)
    while todo:
        batch = todo.popleft()
        try:
            for news in _train(design, batch, latest(batch), minutes, asked):
                if isinstance(news.event, Outcome) and not models:
                    news = news._replace(event=_needed(design, batch, news.event))
                yield news
        except MemoryShort as short:
            if batch.trials == 1:
                raise
            yield News(batch, short, Figures())
            todo.extendleft(reversed(trial_batches.pieces(batch, 2)))
        if asked():
            return


def _train(
    design: Design,
    batch: TrialBatch,
    resume: Resume | None,
    minutes: float,
    asked: Callable[[], bool],
) -> Iterator[News]:
    checkpoint, figures = resume or (None, Figures())
    figures, saved = replace(figures), time.monotonic()

    def due() -> bool:
        return asked() or (time.monotonic() - saved) / 60 >= minutes

    with trial_batches.fitting(design, batch):
        for event in experiment.run(design, batch, due=due, resume=checkpoint):
            match event:
                case Compiled():
                    figures.compiling += event.seconds
                case Step():
                    figures.frames += event.frames
                    figures.computed += event.computed
                    figures.training += event.seconds
            begin = time.monotonic()
            yield News(batch, event, replace(figures))
            if isinstance(event, Checkpoint):  # kept, or sent, meanwhile
                saved = time.monotonic()
                figures.keeping += saved - begin
                if asked():
                    return


def _needed(design: Design, batch: TrialBatch, outcome: Outcome) -> Results:
    """Returns the results, with the parameters only where an analysis needs them."""
    if netvlad_clusters.applies(design.conditions[batch.conditions[0]]):
        return outcome.results
    return outcome.results._replace(params=[])
