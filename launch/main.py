"""Trains and tests speech emotion recognition, leaving one speaker out at a time.

    python -m launch.main --flagfile=launch/flagfiles/demo.flags
    python -m launch.main --corpus=iemocap --data_dir=IEMOCAP_full_release

Reads a corpus, extracts its features (once: they are cached), trains all folds and
seeds together, and writes predictions and a summary into --run_dir.
"""

if __name__ == "__main__":
    from launch import stopping

    stopping.listen()  # before the imports, which take time

from typing import TYPE_CHECKING

import vladser
from launch import cli, flags, flags_text, loading, resuming, terminal
from launch.flags import Settings
from vladser import aggregators, features

if TYPE_CHECKING:
    from launch.cluster import Cluster


def main(settings: Settings) -> None:
    """One experiment, from audio to a table."""
    # Late, for they import jax: spawned workers need none, nor do wrong flags.
    from launch import backend, cluster

    backend.prepare(features.cores(), settings.cache_dir / "xla")
    if settings.dry_run:
        _preview(settings)
        return
    processes = settings.coordinator, settings.num_processes, settings.process_id
    with cluster.join(*processes) as together:
        _run(settings, together)


def _preview(settings: Settings) -> None:
    from launch import preview

    with cli.wrong_use():
        _build(settings)
        resuming.check(settings)
    print(preview.preview(settings, *loading.read(settings)))


def _run(settings: Settings, cluster: "Cluster") -> None:
    import jax

    from launch import training

    with cli.wrong_use():
        _build(settings)
    versions = f"vladser {vladser.__version__}", f"jax {jax.__version__}"
    cluster.agree("program", [*versions, *flags_text.agreed(settings)])
    if cluster.process == 0:
        with cli.wrong_use():
            resuming.check(settings)
    chosen, classes, extraction = loading.load(settings, cluster.check)
    for note in chosen.notes if cluster.process == 0 else []:
        terminal.say(f"note: {note}")
    training.run(settings, chosen.utterances, classes, extraction, cluster)


def _build(settings: Settings) -> None:
    """Raises InputError for an aggregator that does not take its options, or not so
    many cells."""
    for condition in flags.conditions(settings):
        aggregators.vector_length(condition.pooling, condition.cells)


if __name__ == "__main__":
    cli.start(main, flags.define, flags.read, __doc__)
