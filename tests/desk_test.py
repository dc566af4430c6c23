"""News of batches, from workers that are slow, die and are given what others left."""

import io
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from tqdm import tqdm

from launch.experiment.checkpoints import Checkpoints, Figures
from launch.experiment.desk import Desk
from launch.experiment.training import Trainings
from launch.experiment.working import News
from launch.output.provenance import Machine
from vladser.condition import make
from vladser.engine import events, trial_batches
from vladser.engine.results import Results
from vladser.errors import MemoryShort

EPOCHS, FRAMES = 3, 10  # of a trial in an epoch
CONDITIONS = [make(aggregator=name, epochs=EPOCHS) for name in ("mean", "final")]
RESULTS = Results(*[np.zeros(0)] * 6, [], [])
CPUS, GPUS = Machine("a", ["cpu: cpu"] * 2), Machine("b", ["gpu: H100"])


@pytest.fixture(scope="module")
def design():
    return toys.design(toys.corpus(), CONDITIONS, range(3))


class Worker:
    """Trains as a node does what it is given, an event at a time; some cut it."""

    def __init__(self, machine, job, parts):
        self.machine, self.job = machine, job
        batch, resume, _ = job
        several = not resume and batch.trials >= parts > 1
        batches = trial_batches.pieces(batch, parts) if several else [batch]
        self.news = self._news(batches, resume)

    def _news(self, batches, resume):
        for batch in batches:
            done, figures = resume or (events.beginning(1, 1), Figures())
            frames = figures.frames
            yield News(batch, events.Compiled(0.0), Figures(frames))
            for epoch in range(done.epoch + 1, EPOCHS + 1):
                frames += FRAMES * batch.trials
                step = events.Step(epoch, FRAMES * batch.trials, 0, 0.0)
                yield News(batch, step, Figures(frames))
                checkpoint = events.beginning(1, 1)._replace(epoch=epoch)
                yield News(batch, checkpoint, Figures(frames))
            yield News(batch, RESULTS, Figures(frames))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_each_trial_is_finished_once_whoever_dies(design, data):
    finished = []

    def finish(batch, results, figures, machine):
        assert figures.frames == EPOCHS * FRAMES * batch.trials
        finished.append(batch)
        desk.kept.remove(batch)

    total = EPOCHS * FRAMES * np.prod(design.shape)
    with tempfile.TemporaryDirectory() as folder, io.StringIO() as nowhere:
        desk = Desk(design, Checkpoints(Path(folder)), [], finish)
        desk.bar = tqdm(total=total, file=nowhere)
        trainings, workers, deaths = Trainings(desk, 1.0, lambda: 1), [], 0
        while len(trainings) or workers:
            if len(trainings) and (not workers or data.draw(st.booleans())):
                machine = data.draw(st.sampled_from([CPUS, GPUS]))
                job = trainings.take(data.draw(st.integers(1, 9)), machine)
                parts = data.draw(st.integers(1, 2))
                workers.append(Worker(machine, job, parts))
                continue
            worker = data.draw(st.sampled_from(workers))
            if deaths < 5 and data.draw(st.integers(0, 5)) == 0:
                deaths += 1
                workers.remove(worker)
                trainings.back(worker.job)
            elif news := next(worker.news, None):
                desk.take(news, worker.machine)
            else:
                workers.remove(worker)
        cells = Counter(cell for batch in finished for cell in product(*batch))
        assert cells == Counter(product(*map(range, design.shape)))
        assert desk.bar.n == total and not desk.kept.begun
        assert not [*Path(folder).iterdir()]


def _trainings(folder, seeds, workers):
    design = toys.design(toys.corpus(), CONDITIONS[:1], range(seeds))
    desk = Desk(design, Checkpoints(folder), [], lambda *of: None)
    return Trainings(desk, 6.0, lambda: workers)


@pytest.mark.parametrize(
    ("seeds", "workers", "machine", "most", "trials"),
    [
        (5, 1, CPUS, 0, 8),  # what fills two devices, as whole seeds of four folds
        (5, 1, GPUS, 0, 12),  # and as many as the next can be
        (100, 1, CPUS, 400, 80),  # who joins later has something to do
        (100, 1, GPUS, 400, 100),
        (2, 4, CPUS, 0, 2),  # all have something to do
        (2, 4, GPUS, 1, 2),
    ],
)
def test_a_job_fills_devices_but_leaves_work_for_others(
    tmp_path, seeds, workers, machine, most, trials
):
    trainings = _trainings(tmp_path, seeds, workers)
    batch, resume, minutes = trainings.take(most, machine)
    assert (batch.trials, resume, minutes) == (trials, None, 6.0)
    assert len(trainings) == 4 * seeds - trials


def test_checkpoints_of_many_workers_come_less_often(tmp_path):
    *_, minutes = _trainings(tmp_path, 5, 100).take(1, CPUS)
    assert minutes == 10 * 6.0


def test_a_batch_that_is_halved_does_not_go_on_as_it_was(design, tmp_path):
    kept = Checkpoints(tmp_path)
    desk = Desk(design, kept, [], lambda *of: None)
    batch, *_ = trial_batches.programs(design)
    desk.take(News(batch, events.beginning(1, 1), Figures(7)), CPUS)
    assert desk.pending()[0] == batch == kept.begun[0]
    desk.take(News(batch, MemoryShort("device"), Figures()), CPUS)
    assert not kept.begun and not [*tmp_path.iterdir()]
