"""Trains and tests speech emotion recognition, leaving out one speaker at a time.

    python -m launch.main --flagfile=launch/flagfiles/demo.flags
    python -m launch.main --corpus=iemocap --data_dir=IEMOCAP_full_release

Reads a corpus, extracts its features (once: they are cached), trains all folds and
seeds together, and writes predictions, a summary and a report into --run_dir.

A part (features, encoder, aggregator, head, objective, optimizer) is NAME or
NAME(option=value,...), such as netvlad(clusters=8). One of your own is named by its
import path, my_package.my_module.my_pooling(size=3); docs/extending.md says more.
"""

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from typing import TYPE_CHECKING

import vladser
from launch.command_line import cli, flags, flags_text
from launch.command_line.flags import Settings
from launch.experiment import loading, resuming, terminal
from launch.experiment.resuming import State
from vladser.condition import specification
from vladser.features.cores import cores

if TYPE_CHECKING:
    from launch.experiment.distributed import Cluster


def main(settings: Settings) -> None:
    """Runs one experiment, from audio to a table."""
    # Late because they import jax, which workers and wrong flags do not need.
    from launch.command_line import backend
    from launch.experiment import distributed

    backend.prepare(cores(), settings.cache_dir / "xla")
    if settings.dry_run:
        _preview(settings)
        return
    processes = settings.coordinator, settings.num_processes, settings.process_id
    with distributed.join(*processes) as together:
        _run(settings, together)


def _preview(settings: Settings) -> None:
    from launch.experiment import preview

    with cli.wrong_use():
        _build(settings)
        resuming.check(settings)
    print(preview.preview(settings, *loading.read(settings)))


def _run(settings: Settings, distributed: "Cluster") -> None:
    import jax

    from launch.experiment import run

    with cli.wrong_use():
        _build(settings)
    versions = f"vladser {vladser.__version__}", f"jax {jax.__version__}"
    distributed.agree("program", [*versions, *flags_text.agreed(settings)])
    state = State.NEW
    if distributed.process == 0:
        with cli.wrong_use():
            state = resuming.check(settings)
    # What process 0 knows of the run directory holds for all.
    if distributed.exchange("state", state.name)[0] == State.FINISHED.name:
        if distributed.process == 0:
            run.say_finished(settings.run_dir)
        return
    loaded = loading.load(settings, distributed.check)
    for note in loaded.chosen.notes if distributed.process == 0 else []:
        terminal.say(f"note: {note}")
    run.run(settings, loaded, distributed)


def _build(settings: Settings) -> None:
    """Raises InputError for a part that refuses its options or its inputs."""
    from vladser import model

    for condition in flags.conditions(settings):
        model.sizes(specification(condition, dim=1, classes=2))


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
