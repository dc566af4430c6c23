"""Trains and tests speech emotion recognition, leaving one speaker out at a time.

    python -m launch.main --flagfile=launch/flagfiles/demo.flags
    python -m launch.main --corpus=iemocap --data_dir=IEMOCAP_full_release

Reads a corpus, extracts its features (once: they are cached), trains all folds and
seeds together, and writes predictions and a summary into --run_dir.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import vladser
from launch import cli, flags, run_dir, terminal
from launch.flags import Settings
from vladser import aggregators, corpora, features
from vladser.corpora import emotions
from vladser.errors import InputError
from vladser.features import Extraction
from vladser.types import Corpus, Utterance

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
        aggregators.build(settings.aggregator)
        run_dir.check(settings.run_dir)
    _, chosen, classes = _read(settings)
    print(preview.preview(settings, chosen, classes))


def _run(settings: Settings, cluster: "Cluster") -> None:
    import jax

    from launch import training

    with cli.wrong_use():
        aggregators.build(settings.aggregator)
    versions = f"vladser {vladser.__version__}", f"jax {jax.__version__}"
    cluster.agree("program", [*versions, *flags.agreed(settings)])
    if cluster.process == 0:
        with cli.wrong_use():
            run_dir.check(settings.run_dir)
    corpus, chosen, classes = _read(settings)
    training.check_protocol(settings, chosen.utterances, classes)
    extraction = _extract(settings, chosen.utterances, cluster)
    if extraction.bad:
        good = [u for u in corpus.utterances if u.id not in extraction.bad]
        chosen, _ = emotions.select(Corpus(good, corpus.notes), settings.emotions)
    for note in chosen.notes if cluster.process == 0 else []:
        terminal.say(f"note: {note}")
    report = training.run(settings, chosen.utterances, classes, extraction, cluster)
    if report:
        print(report)


def _read(settings: Settings) -> tuple[Corpus, Corpus, Sequence[str]]:
    """The corpus, what --emotions selects from it, and the classes."""
    corpus = corpora.read(settings.corpus, settings.data_dir)
    with cli.wrong_use():
        return corpus, *emotions.select(corpus, settings.emotions)


def _extract(
    settings: Settings, utterances: Sequence[Utterance], cluster: "Cluster"
) -> Extraction:
    """The features of the utterances whose audio is usable.

    Raises:
      InputError: some are not, and --on_bad_audio=stop.
    """

    def progress(count: int) -> None:
        cluster.check()
        bar.update(count)

    with terminal.bar("features", len(utterances), "file") as bar:
        extraction = features.extract(
            utterances,
            settings.cache_dir,
            max_seconds=settings.max_seconds,
            workers=settings.workers,
            progress=progress,
        )
    terminal.say(
        f"{len(extraction.features):,} utterances with {extraction.feature_set} "
        f"features: {extraction.computed:,} extracted, {extraction.cached:,} cached"
    )
    for reason in extraction.bad.values():
        terminal.say(f"bad audio: {reason}")
    if extraction.bad and settings.on_bad_audio == "stop":
        raise InputError(
            f"{len(extraction.bad):,} of {len(utterances):,} utterances have no usable "
            "audio, see above: mend them, or leave them out by --on_bad_audio=skip"
        )
    return extraction


if __name__ == "__main__":
    sys.exit(cli.run(main, flags.define, flags.read, __doc__))
