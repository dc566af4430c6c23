"""A run from its features to its files: the part of an experiment that needs jax."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launch.command_line import flags_text
from launch.command_line.flags import Settings
from launch.experiment import (
    auditing,
    checkpoints,
    designing,
    digests,
    final_model,
    outputs,
    resuming,
    run_dir,
    terminal,
    training,
)
from launch.experiment.distributed import Cluster
from launch.experiment.loading import Loaded
from launch.reporting import writing
from vladser import files, text
from vladser.engine import results
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.errors import TrainingError
from vladser.evaluation import netvlad_clusters
from vladser.evaluation.audit import training as training_audit
from vladser.evaluation.audit.finding import Finding


def run(settings: Settings, loaded: Loaded, cluster: Cluster) -> None:
    """Trains, tests and, in process 0, fills the run directory and prints the results.

    Args:
      settings: of the run.
      loaded: its utterances and their features.
      cluster: the processes that share the experiment.

    Raises:
      InputError: the processes differ in their data, run_dir cannot be filled, or the
        audit finds that what is tested is trained on.
      TrainingError: trainings have failed; the others went on.
      PeerError: another process has failed.
    """
    by_features = designing.datasets(loaded)
    digest = designing.digest(by_features)
    design = designing.design(settings, by_features)
    count = text.count(len(loaded.chosen.utterances), "utterance")
    cluster.agree("data", [f"{count}, digest {digest[:16]}"])
    if cluster.process:
        trained = training.train(settings, design, cluster, None)
        training.summary(cluster, trained)
        cluster.send(map(checkpoints.pack, trained.parts))
        return

    folder = settings.run_dir
    if settings.fresh and (folder / "flags.txt").exists():
        terminal.say(f"the run that was there is in {run_dir.set_aside(folder)} now")
    with run_dir.locked(folder):
        tested, summary = None, None
        description = designing.describe(settings, by_features, digest)
        if settings.hold_out == "none":
            _begin(settings, design, description, [])
        else:
            utterances = loaded.chosen.utterances
            certificate = auditing.findings(settings, design, utterances)
            _begin(settings, design, description, certificate)
            tested, summary = _test(settings, design, certificate, loaded.bad, cluster)
        if settings.final_model and (summary is None or summary["conditions"]):
            data = design.datasets[0]  # of the one condition
            model = final_model.write(settings, data, digest, tested, summary, cluster)
            print(f"the model of all speakers is in {model}; its README.md says more")
    if summary:
        _require_all(summary["failed"], folder)


def _test(
    settings: Settings,
    design: Design,
    certificate: Sequence[Finding],
    skipped: Mapping[str, str],
    cluster: Cluster,
) -> tuple[Results, dict[str, Any]]:
    """Trains and tests every fold, in process 0; returns the results and what
    summary.json holds."""
    folder = settings.run_dir
    trained = training.train(settings, design, cluster, folder)
    figures = training.summary(cluster, trained)
    finished = [*trained.parts, *map(checkpoints.unpack, cluster.receive())]
    parts = [(part.batch, part.results) for part in finished]
    merged = results.merge(parts, design)
    _certify(folder, [*certificate, *training_audit.given(design, merged)])
    clusters = dict(netvlad_clusters.of_results(design, parts))
    summary = outputs.write(settings, design, merged, clusters, skipped, figures)
    if summary["conditions"]:
        writing.write([folder], folder)
    terminal.say(
        f"trained in {figures['train_seconds']:.1f} s; "
        f"the first step was done {figures['start_seconds']:.1f} s after the start"
    )
    if summary["conditions"]:  # else every training has failed
        print(f"{terminal.results(summary, _partial(design))}\n")
        print(f"results are in {folder}, report.html shows them")
    return merged, summary


def say_finished(folder: Path) -> None:
    """Says that the run in a folder has finished.

    Raises:
      TrainingError: some of its trainings failed.
    """
    print(f"the run in {folder} has finished: --fresh trains it anew")
    summary = folder / "summary.json"
    if summary.exists():
        failed = json.loads(summary.read_text(encoding="utf-8")).get("failed", [])
        _require_all(failed, folder)


def _require_all(failed: Sequence[dict[str, Any]], folder: Path) -> None:
    """Raises TrainingError where trainings failed."""
    for trial in failed:
        terminal.say(
            f"failed: {trial['condition']}, seed {trial['seed']}, held out "
            f"{trial['fold']}: loss or gradient is not finite in epoch "
            f"{trial['epoch']}, step {trial['step']}"
        )
    if failed:
        count = text.count(len(failed), "training")
        raise TrainingError(
            f"{count} failed, see above; {folder} holds the others. A smaller "
            "--learning_rate may help"
        )


def _begin(
    settings: Settings,
    design: Design,
    description: dict[str, Any],
    certificate: Sequence[Finding],
) -> None:
    """Fills the run directory with what is known before the training, or checks that
    what is there is the same.

    Args:
      settings: of the run.
      design: the experiment.
      description: what dataset.json is to hold.
      certificate: what the audit says so far.
    """
    data = design.datasets[0]
    if left_out := len(data.label) - len(_used(design)):
        terminal.say(
            f"note: {text.count(left_out, 'utterance')} in no training or test set"
        )
    for line in auditing.lines(certificate):
        terminal.say(line)
    auditing.require(certificate)
    folder, environment = settings.run_dir, run_dir.environment()
    if resuming.check(settings) is resuming.State.UNFINISHED:
        resuming.check_environment(folder, environment)
        resuming.check_data(folder, description["digest"])
        terminal.say(f"going on with the run in {folder}")
    (folder / digests.NAME).unlink(missing_ok=True)  # it was of what is written now
    # First, for it says what the folder is.
    files.write_text(folder / "flags.txt", flags_text.write(settings))
    run_dir.write_json(folder / "environment.json", environment)
    run_dir.write_json(folder / "dataset.json", description)
    _certify(folder, certificate)
    terminal.say("compiling the training programs ...")


def _certify(folder: Path, certificate: Sequence[Finding]) -> None:
    """Writes audit.json, unless the audit finds an error."""
    auditing.require(certificate)
    run_dir.write_json(folder / "audit.json", auditing.to_json(certificate))


def _partial(design: Design) -> list[str]:
    """The held-out names whose test set lacks a class."""
    data = design.datasets[0]
    return [
        fold.held_out
        for fold in design.folds
        if len(np.unique(data.label[fold.test])) < len(data.emotions)
    ]


def _used(design: Design) -> set[int]:
    """The utterances that some fold trains or tests on."""
    parts = (part for fold in design.folds for part in (fold.train, fold.test))
    return {int(row) for part in parts for row in part}
