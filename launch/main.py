"""Trains and tests speech emotion recognition, leaving out one speaker at a time.

    python -m launch.main --flagfile=launch/flagfiles/demo.flags
    python -m launch.main --corpus=iemocap --data_dir=IEMOCAP_full_release

Reads a corpus, extracts its features (once: they are cached), trains all folds and
seeds together, and writes predictions, a summary and a report into --run_dir.

A part (features, pieces, encoder, aggregator, head, objective, optimizer, readout) is
NAME or NAME(option=value,...), such as netvlad(clusters=8). One of your own is named by
its import path, my_package.my_module.my_pooling(size=3); docs/extending.md says more.
"""

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

from launch.command_line import cli
from launch.command_line.flags import Settings
from vladser.machine import cores


def main(settings: Settings) -> None:
    """Runs one experiment, from audio to a table."""
    # Late because they import jax, which workers and wrong flags do not need.
    from launch.command_line import backend
    from launch.experiment import preview, run

    cache = settings.cache_dir / "xla"
    backend.prepare(cores(), cache, settings.deterministic)
    if settings.ray and not settings.dry_run:
        backend.settle(platforms="cpu")  # the devices are for the workers
    backend.check()
    if settings.dry_run:
        print(preview.preview(settings))
    else:
        run.run(settings)


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
