"""The part of an experiment that needs jax: from features to the run directory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launch.command_line import cli, flags, flags_text
from launch.command_line.flags import Settings
from launch.experiment import (
    auditing,
    digests,
    final_model,
    loop,
    outputs,
    resuming,
    run_dir,
    terminal,
)
from launch.experiment.distributed import Cluster
from launch.reporting import writing
from vladser import files, text
from vladser.data import batches, dataset, folds
from vladser.data.batches import Plan
from vladser.engine import merging
from vladser.engine.merging import Results
from vladser.errors import TrainingError
from vladser.evaluation.audit import checks
from vladser.evaluation.audit.checks import Finding
from vladser.features.extraction import Extraction
from vladser.types import Dataset, Fold, Utterance


def run(
    settings: Settings,
    utterances: Sequence[Utterance],
    classes: Sequence[str],
    extraction: Extraction,
    cluster: Cluster,
) -> None:
    """Trains, tests and, in process 0, fills the run directory and prints the results.

    Raises:
      InputError: the processes differ in their data, run_dir cannot be filled, or the
        audit finds that what is tested is trained on.
      TrainingError: trainings have failed; the others went on.
      PeerError: another process has failed.
    """
    corpus = dataset.build(
        utterances, extraction.features, classes, extraction.feature_set
    )
    schedule, digest = plan(settings, corpus), dataset.digest(corpus)
    count = text.count(len(corpus.label), "utterance")
    cluster.agree("data", [f"{count}, digest {digest[:16]}"])
    if cluster.process:
        conditions = flags.conditions(settings)
        trained = loop.train(settings, corpus, conditions, schedule, cluster, None)
        loop.summary(cluster, trained)
        cluster.send(merging.pack(*part) for part in trained.parts)
        return

    folder = settings.run_dir
    if settings.fresh and (folder / "flags.txt").exists():
        terminal.say(f"the run that was there is in {run_dir.set_aside(folder)} now")
    with run_dir.locked(folder):
        found, tested, failed = None, None, []
        if settings.hold_out == "none":
            _begin(settings, corpus, schedule, digest, [])
        else:
            conditions = flags.conditions(settings)
            certificate = auditing.findings(
                settings, corpus, utterances, conditions, schedule
            )
            _begin(settings, corpus, schedule, digest, certificate)
            found, summary = _test(
                settings, corpus, schedule, certificate, extraction.bad, cluster
            )
            tested, failed = summary["conditions"], summary["failed"]
        if settings.final_model and tested != []:
            evaluation = tested and tested[0]
            model = final_model.write(
                settings, corpus, digest, found, evaluation, cluster
            )
            print(f"the model of all speakers is in {model}; its README.md says more")
    _require_all(failed, folder)


def _test(
    settings: Settings,
    corpus: Dataset,
    schedule: Plan,
    certificate: Sequence[Finding],
    skipped: Mapping[str, str],
    cluster: Cluster,
) -> tuple[Results, dict[str, Any]]:
    """Trains and tests every fold, in process 0; returns the results and what
    summary.json holds."""
    folder, conditions = settings.run_dir, flags.conditions(settings)
    trained = loop.train(settings, corpus, conditions, schedule, cluster, folder)
    figures = loop.summary(cluster, trained)
    parts = [*trained.parts, *map(merging.unpack, cluster.receive())]
    found = merging.merge(parts, schedule, conditions)
    validation = settings.validation == "partner"
    _certify(folder, [*certificate, *checks.epochs(found, schedule, validation)])
    summary = outputs.write(
        settings, corpus, conditions, schedule, found, skipped, figures
    )
    if summary["conditions"]:
        writing.write([folder], folder)
    terminal.say(
        f"trained in {figures['train_seconds']:.1f} s; "
        f"the first step was done {figures['start_seconds']:.1f} s after the start"
    )
    table = terminal.results(summary, _partial(corpus, schedule.folds))
    shown = ", report.html shows them" if summary["conditions"] else ""
    print(f"{table}\n\nresults are in {folder}{shown}")
    return found, summary


def _require_all(failed: Sequence[dict[str, Any]], folder: Path) -> None:
    """Raises TrainingError where trainings failed."""
    for one in failed:
        terminal.say(
            f"failed: {one['condition']}, seed {one['seed']}, held out {one['fold']}: "
            f"loss or gradient is not finite in epoch {one['epoch']}, step "
            f"{one['step']}"
        )
    if failed:
        count = text.count(len(failed), "training")
        raise TrainingError(
            f"{count} failed, see above; {folder} holds the others. A smaller "
            "--learning_rate may help"
        )


def _begin(
    settings: Settings,
    corpus: Dataset,
    schedule: Plan,
    digest: str,
    certificate: Sequence[Finding],
) -> None:
    """Fills the run directory with what is known before the training, or checks that
    what is there is the same."""
    if left_out := len(corpus.label) - len(_used(schedule.folds)):
        terminal.say(
            f"note: {text.count(left_out, 'utterance')} in no training or test set"
        )
    for line in auditing.lines(certificate):
        terminal.say(line)
    auditing.require(certificate)
    folder, environment = settings.run_dir, run_dir.environment()
    if resuming.check(settings):
        resuming.check_environment(folder, environment)
        resuming.check_data(folder, digest)
        terminal.say(f"going on with the run in {folder}")
    (folder / digests.NAME).unlink(missing_ok=True)  # it was of what is written now
    # First, for it says what the folder is.
    files.write_text(folder / "flags.txt", flags_text.write(settings))
    run_dir.write_json(folder / "environment.json", environment)
    run_dir.write_json(folder / "dataset.json", _describe(settings, corpus, digest))
    _certify(folder, certificate)
    terminal.say("compiling the training programs ...")


def _certify(folder: Path, found: Sequence[Finding]) -> None:
    """Writes audit.json, unless the audit finds an error."""
    auditing.require(found)
    run_dir.write_json(folder / "audit.json", auditing.to_json(found))


def _partial(corpus: Dataset, made: Sequence[Fold]) -> list[str]:
    """The held-out names whose test set lacks a class."""
    classes = len(corpus.emotions)
    return [
        fold.held_out
        for fold in made
        if len(np.unique(corpus.label[fold.test])) < classes
    ]


def _used(made: Sequence[Fold]) -> set[int]:
    """The utterances that some fold trains or tests on."""
    return {
        int(row) for fold in made for part in (fold.train, fold.test) for row in part
    }


def check_protocol(
    settings: Settings, utterances: Sequence[Utterance], classes: Sequence[str]
) -> None:
    """Raises UsageError where the corpus does not allow the protocol: this needs no
    features, which can take long to extract."""
    frame = np.empty((1, 0), np.float32)
    without = {utterance.id: frame for utterance in utterances}
    _folds(settings, dataset.build(utterances, without, classes, "none"))


def plan(settings: Settings, corpus: Dataset) -> Plan:
    """The schedule that the flags ask for.

    Raises:
      UsageError: the corpus does not allow the protocol.
    """
    made, seeds = _folds(settings, corpus), range(settings.seeds)
    return batches.plan(
        corpus.length, made, seeds, settings.epochs, settings.batch_size
    )


def _folds(settings: Settings, corpus: Dataset) -> list[Fold]:
    # Two corpora are one whose split tells them apart, see `vladser.corpora.cross`.
    hold_out = "split" if settings.test_corpus else settings.hold_out
    with cli.wrong_use():
        return folds.make(corpus, hold_out, settings.validation)


def _describe(settings: Settings, corpus: Dataset, digest: str) -> dict[str, Any]:
    """What dataset.json says."""
    counts = Counter(zip(corpus.speaker.tolist(), corpus.label.tolist(), strict=True))
    return {
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "utterances": len(corpus.utterances),
        "frames": int(corpus.length.sum()),
        "feature_set": corpus.feature_set,
        "features": corpus.frames.shape[1],
        "digest": digest,
        "speakers": {
            speaker: {
                emotion: counts[s, e] for e, emotion in enumerate(corpus.emotions)
            }
            for s, speaker in enumerate(corpus.speakers)
        },
    }
