"""Trains an experiment: on this machine, or on the nodes of a cluster."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from launch.command_line import stopping
from launch.command_line.flags import Settings
from launch.experiment import working
from launch.experiment.checkpoints import Checkpoints, Figures, Finished
from launch.experiment.desk import Desk
from launch.output import provenance, terminal
from launch.output.provenance import Machine
from vladser import files
from vladser.engine import trial_batches
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch

if TYPE_CHECKING:
    from launch.cluster.crew import Crew

Job = tuple[TrialBatch, working.Resume | None, float]
# Trials that a device is given at least, where there are so many: those of a seed share
# what is drawn, and an accelerator trains them in little more time than one.
_FILL_CPU, _FILL_ACCELERATOR = 5, 16
_DOUBLINGS = 3  # at most, of the trials that a machine is given at least


def train(
    settings: Settings, design: Design, crew: "Crew | None"
) -> tuple[list[Finished], dict[str, Any]]:
    """Trains and tests all trials, going on from the checkpoints of the run directory.

    Returns:
      The batches, and `training` of summary.json.

    Raises:
      Stopped: the process was told to stop; checkpoints are kept.
      MemoryShort: the devices have no memory for one trial alone.
      ClusterError: see `Crew.run`.
    """
    kept = Checkpoints(settings.run_dir / "checkpoints")
    finished = kept.finished()

    def finish(batch: TrialBatch, results, figures: Figures, machine: Machine) -> None:
        assert isinstance(results, Results)
        finished.append(Finished(batch, results, figures, machine))
        kept.keep(finished[-1])

    log = settings.run_dir / "metrics.jsonl"
    files.write_text(log, "")
    at = Desk(design, kept, [one.batch for one in finished], finish, log)
    todo = at.pending()
    if finished:
        trials = math.prod(design.shape)
        left = sum(batch.trials for batch in todo)
        terminal.say(f"{trials - left:,} of {trials:,} trainings were finished")
    if todo:
        terminal.say("compiling the training programs ...")
    conduct("training", settings, at, crew)
    for batch in kept.begun:  # of which all parts have finished
        kept.remove(batch)
    return finished, _summary(finished)


def conduct(
    title: str, settings: Settings, at: Desk, crew: "Crew | None", models: bool = False
) -> None:
    """Trains what a desk has pending, by a crew or else here, behind a bar with a
    title; `models` as in `working.work`. Raises as `train` does."""
    minutes, most, todo = (
        settings.checkpoint_minutes,
        settings.trials_at_once,
        at.pending(),
    )
    frames = 0  # real ones of all live training rows
    for seeds, conditions, folds in todo:
        plan = at.design.plan(conditions[0]).only(seeds, folds)
        frames += plan.training_frames() * plan.epochs * len(conditions)
    bar = terminal.bar(title, frames, "frame", scale=True)
    with bar as at.bar, stopping.deferred():
        if crew is not None:
            trainings = Trainings(at, minutes, crew.size)
            options = crew.share(at.design), most, models
            for machine, news in crew.run("train", trainings, *options):
                at.take(news, machine)
            return
        begun, here = at.kept.begun, provenance.machine()
        batches = list[TrialBatch]()
        for batch in todo:
            whole = batch in begun
            batches += [batch] if whole else trial_batches.cut(at.design, batch, most)
        how = at.kept.latest, minutes, stopping.asked, models
        for news in working.work(at.design, batches, *how):
            at.take(news, here)


class Trainings:
    """The trials that a crew is to train, see `crew.Jobs`; no device is left idle."""

    def __init__(self, desk: Desk, minutes: float, size: Callable[[], int]):
        """`minutes` are between two checkpoints of a batch, where the size of the crew
        is ten: of more, each sends them less often, so that their sum does not grow."""
        self._desk, self._minutes, self._size = desk, minutes, size
        self._waiting = desk.pending()
        self._given = list[TrialBatch]()  # but for what came back; some are done
        self._all = len(self)

    def __len__(self) -> int:
        return sum(batch.trials for batch in self._waiting)

    def take(self, most: int, machine: Machine) -> Job:
        batch = self._waiting[0]  # those that have a checkpoint come first
        resume, left = self._desk.kept.latest(batch), list[TrialBatch]()
        if not resume:
            each = _FILL_CPU if machine.on_cpus else _FILL_ACCELERATOR
            share = -(-self._all // max(1, self._size()))
            fewest = min(len(machine.devices) * each, share)
            # Powers of two, since each shape is compiled; no more, for who joins later.
            most = fewest << min(max((most // fewest).bit_length() - 1, 0), _DOUBLINGS)
            begun = self._desk.kept.begun
            fresh = [batch for batch in self._waiting if batch not in begun]
            batch = max(fresh, key=lambda batch: min(batch.trials, most))
        self._waiting.remove(batch)
        if not resume:
            batch, left = trial_batches.take(batch, most)
        self._waiting = [*left, *self._waiting]
        self._given.append(batch)
        return batch, resume, self._minutes * max(1, self._size() / 10)

    def back(self, job: Job) -> None:
        self._given.remove(job[0])
        self._desk.lose(job[0])
        self._waiting = self._desk.pending(self._given)


def _summary(finished: Sequence[Finished]) -> dict[str, Any]:
    """Returns sums of frames, the seconds of the machine that took longest, and what
    each machine trained."""
    by_machine: dict[str, list[Finished]] = {}
    for one in finished:
        by_machine.setdefault(f"{one.machine}", []).append(one)

    def total(name: str, of: Iterable[Finished] = finished) -> float:
        return sum(getattr(one.figures, name) for one in of)

    def longest(name: str) -> float:
        return max((total(name, of) for of in by_machine.values()), default=0)

    frames, training = total("frames"), longest("training")
    start = max((one.figures.start for one in finished), default=0)
    return {
        "real_frames_per_second": round(frames / max(training, 1e-9)),
        "padding_efficiency": round(frames / max(total("computed"), 1), 4),
        "start_seconds": round(start, 2),
        "compile_seconds": round(longest("compiling"), 2),
        "train_seconds": round(training, 2),
        "checkpoint_seconds": round(longest("keeping"), 2),
        "machines": [
            {
                **of[0].machine._asdict(),
                "trainings": sum(one.batch.trials for one in of),
            }
            for of in by_machine.values()
        ],
    }
