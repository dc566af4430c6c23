"""A run of launch.main, from its flags to its files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from launch.cluster import joining
from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from launch.experiment import (
    designing,
    final_model,
    loading,
    outputs,
    resuming,
    run_dir,
    training,
)
from launch.experiment.loading import Loaded
from launch.output import provenance, terminal
from launch.reporting import writing
from vladser import files, text
from vladser.engine import results
from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.errors import TrainingError
from vladser.evaluation import netvlad_clusters
from vladser.evaluation.audit import Finding
from vladser.evaluation.audit import training as training_audit

if TYPE_CHECKING:
    from launch.cluster.crew import Crew


def run(settings: Settings) -> None:
    """Trains, tests, fills the run directory and prints the results.

    Raises:
      UsageError: the flags ask for what parts, corpus or run_dir do not allow.
      InputError: a file cannot be read or written, or the audit finds that what is
        tested is trained on.
      TrainingError: trainings have failed; the others went on.
      ClusterError: the cluster cannot be joined, or is gone.
    """
    designing.check_parts(settings)
    folder = settings.run_dir
    with cli.wrong_use():
        state = resuming.check(settings)
    if state == resuming.FINISHED:
        print(f"the run in {folder} has finished: --fresh trains it anew")
    else:
        with joining.joined(settings) as crew:
            _run(settings, crew)
    _require_all(folder)


def _run(settings: Settings, crew: "Crew | None") -> None:
    folder = settings.run_dir
    loaded = loading.load(settings, crew)
    design = designing.design(settings, loaded.datasets)
    dataset = designing.describe(settings, loaded.datasets)
    if settings.fresh and (folder / run_dir.FLAGS).exists():
        terminal.say(f"the run that was there is in {run_dir.set_aside(folder)} now")
    with run_dir.locked(folder):
        tested, summary, findings = None, None, list[Finding]()
        if settings.hold_out != "none":
            findings = designing.audit(
                settings, design, loaded.utterances, loaded.notes
            )
        _begin(settings, design, dataset, findings)
        if settings.hold_out != "none":
            tested, summary = _test(settings, loaded, design, findings, crew)
        if settings.final_model and (summary is None or summary["conditions"]):
            (data,), (condition,) = design.datasets, design.conditions
            known = data, condition, dataset["digest"], tested, summary
            model = final_model.write(settings, *known, crew)
            print(f"the model of all speakers is in {model}; its README.md says more")


def _begin(
    settings: Settings,
    design: Design,
    dataset: dict[str, Any],
    findings: Sequence[Finding],
) -> None:
    """Writes what is known before the training, or checks that it is the same."""
    used = [rows for fold in design.folds for rows in fold[1:4]]
    if left_out := len(design.datasets[0].label) - len(np.unique(np.hstack(used))):
        count = text.count(left_out, "utterance")
        terminal.say(f"note: {count} neither trained on, validated on nor tested")
    if {*flags.conditions(settings)} - {*design.conditions}:
        terminal.say(
            "note: nothing that is trained on has activation or valence: what "
            "objective=views leaves is the emotion"
        )
    for finding in findings:
        if finding.level != "ok":
            terminal.say(f"{finding.level}: {finding.text}")
    designing.require(findings)
    folder = settings.run_dir
    # In a cluster, each machine's are kept with what it trains.
    devices = None if settings.ray is None else ()
    environment = provenance.environment(designing.code(settings), devices)
    if resuming.check(settings) == resuming.UNFINISHED:
        resuming.check_same(folder, environment, dataset)
        terminal.say(f"going on with the run in {folder}")
    (folder / files.SUMS).unlink(missing_ok=True)  # it was of what is written now
    # The flags first: they mark the folder as a run directory.
    files.write_text(folder / run_dir.FLAGS, flags.text(settings))
    files.write_json(folder / "environment.json", environment)
    files.write_json(folder / "dataset.json", dataset)
    _certify(folder, findings)


def _certify(folder: Path, findings: Sequence[Finding]) -> None:
    """Writes audit.json, unless a finding is an error."""
    designing.require(findings)
    certificate = {"format": 1, "findings": [f._asdict() for f in findings]}
    files.write_json(folder / "audit.json", certificate)


def _test(
    settings: Settings,
    loaded: Loaded,
    design: Design,
    findings: Sequence[Finding],
    crew: "Crew | None",
) -> tuple[Results, dict[str, Any]]:
    """Trains and tests every fold; returns the results and what summary.json holds."""
    folder = settings.run_dir
    finished, figures = training.train(settings, design, crew)
    trained = [(one.batch, one.results) for one in finished]
    merged = results.merge(trained, design)
    _certify(folder, [*findings, *training_audit.given(design, merged)])
    clusters = dict(netvlad_clusters.of_results(design, trained))
    summary = outputs.write(settings, design, merged, clusters, loaded.bad, figures)
    if summary["conditions"]:
        writing.write([folder], folder)
    terminal.say(
        f"trained in {figures['train_seconds']:.1f} s; "
        f"the first step was done {figures['start_seconds']:.1f} s after the start"
    )
    if summary["conditions"]:  # else every training has failed
        print(f"{terminal.results(summary)}\n")
        print(f"results are in {folder}, report.html shows them")
    return merged, summary


def _require_all(folder: Path) -> None:
    """Raises TrainingError where trainings of a finished run failed."""
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    failed = summary.get("failed", [])
    for trial in failed:
        terminal.say(
            f"failed: {trial['condition']}, seed {trial['seed']}, held out "
            f"{trial['fold']}: loss or gradient is not finite in epoch "
            f"{trial['epoch']}, step {trial['step']}"
        )
    if failed:
        raise TrainingError(
            f"{text.count(len(failed), 'training')} failed, see above; {folder} holds "
            "the others. A smaller --learning_rate may help"
        )
