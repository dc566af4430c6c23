"""The model for use: one training on all speakers, which tests nobody."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from launch.command_line import flags, flags_text
from launch.command_line.flags import Settings
from launch.experiment import run_dir, terminal
from launch.experiment.checkpoints import Checkpoints, Figures
from launch.experiment.distributed import Cluster
from launch.experiment.training import Trainer
from vladser.data import folds
from vladser.engine.design import Design
from vladser.engine.events import Outcome
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch
from vladser.errors import TrainingError
from vladser.models import bundle
from vladser.models.bundle import Bundle
from vladser.types import Dataset

NAME = "model"  # of its folder in the run directory
_SEED = 0


def design(settings: Settings, data: Dataset, tested: Results | None) -> Design:
    """Designs the one training.

    Its epochs are those of the condition or, where a validation part chose each
    training's epoch, the median of these, rounded down.

    Args:
      settings: of the run.
      data: all of it is trained on.
      tested: the trainings that were tested, if there were any.
    """
    (condition,) = flags.conditions(settings)
    if tested is not None and settings.validation != "none":
        epochs = int(np.median(tested.epoch[~tested.failed.any(axis=-1)]))
        condition = replace(condition, epochs=epochs)
    return Design([data], [condition], folds.make(data, "none"), [_SEED])


def write(
    settings: Settings,
    data: Dataset,
    digest: str,
    tested: Results | None,
    summary: dict[str, Any] | None,
    cluster: Cluster,
) -> Path:
    """Trains the model, or goes on with that, and writes it as a bundle.

    Args:
      settings: of the run.
      data: all of it is trained on.
      digest: of `data`.
      tested: see `design`.
      summary: what summary.json says of the one condition.
      cluster: of processes; the model is trained by one.

    Returns:
      The bundle's folder, in the run directory.

    Raises:
      TrainingError: the training diverges.
      InputError: the bundle cannot be written.
      Stopped: the process was told to stop; what is under way is kept.
    """
    alone, folder = design(settings, data, tested), settings.run_dir / NAME
    checkpoints = settings.run_dir / "checkpoints" / NAME

    def finish(outcome: Outcome, figures: Figures) -> None:
        epoch, step = outcome.failed[0, 0]
        if epoch:
            raise TrainingError(
                f"the final model's loss or gradient is not finite in epoch {epoch}, "
                f"step {step}: a smaller --learning_rate may help"
            )
        model = Bundle(
            emotions=data.emotions,
            feature_set=data.feature_set,
            condition=alone.conditions[0],
            mean=np.asarray(outcome.trials.mean[0, 0]),
            scale=np.asarray(outcome.trials.scale[0, 0]),
            params=jax.tree.map(lambda leaf: leaf[0, 0], outcome.params),
            about=_about(settings, alone, digest, summary),
        )
        # Of a process that was killed here: the same model.
        shutil.rmtree(folder, ignore_errors=True)
        bundle.save(model, folder)
        shutil.rmtree(checkpoints, ignore_errors=True)

    kept = Checkpoints(checkpoints)
    frames = alone.plan(0).training_frames() * alone.conditions[0].epochs
    with terminal.bar("final model", frames, "frame", scale=True) as bar:
        trainer = Trainer(settings, alone, cluster, kept, bar, None, "final model, ")
        trainer.train(TrialBatch([0], [0], [0]), finish)
    return folder


def _about(
    settings: Settings, alone: Design, digest: str, summary: dict[str, Any] | None
) -> dict[str, Any]:
    """What the model card says; nothing of the machine that others should not know."""
    (data,), (condition,) = alone.datasets, alone.conditions
    counts = Counter(data.label.tolist())
    environment = run_dir.environment()
    del environment["host"]
    return {
        "training": {
            "corpus": settings.corpus,
            "utterances": len(data.label),
            "speakers": len(data.speakers),
            "frames": int(data.length.sum()),
            "emotions": {name: counts[n] for n, name in enumerate(data.emotions)},
            "digest": digest,
            "seed": _SEED,
            "epochs": condition.epochs,
            "batch_size": condition.batch_size,
        },
        "evaluation": _evaluation(settings, summary) if summary else None,
        "flags": flags_text.agreed(settings),
        "environment": environment,
    }


def _evaluation(settings: Settings, summary: dict[str, Any]) -> dict[str, Any]:
    (condition,) = summary["conditions"]
    return {
        "hold_out": settings.hold_out,
        "validation": settings.validation,
        "epochs": condition["epochs"],
        "folds": len(condition["folds"]),
        "seeds": len(condition["seeds"]),
        "speakers": len(condition["speakers"]),
        "ua": condition["ua"],
        "wa": condition["wa"],
        "metrics": condition["metrics"],
        "confusion": condition["confusion"],
    }
