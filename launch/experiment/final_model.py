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
from launch.experiment.work import Work
from vladser.data import batches, folds
from vladser.data.batches import Plan
from vladser.engine.events import Outcome
from vladser.engine.merging import Results
from vladser.engine.trial_batches import Chunk
from vladser.errors import TrainingError
from vladser.models import bundle
from vladser.models.bundle import Bundle
from vladser.types import Dataset

NAME = "model"  # of its folder in the run directory
_SEED = 0


def plan(settings: Settings, corpus: Dataset, tested: Results | None) -> Plan:
    """The schedule of the one training.

    Its epochs are those of --epochs or, where a validation part chose each training's
    epoch, the median of these, rounded down.

    Args:
      tested: the trainings that were tested, if there were any.
    """
    epochs = settings.epochs
    if tested is not None and settings.validation != "none":
        epochs = int(np.median(tested.epoch[~tested.failed.any(axis=-1)]))
    everyone = folds.make(corpus, "none")
    return batches.plan(corpus.length, everyone, [_SEED], epochs, settings.batch_size)


def write(
    settings: Settings,
    corpus: Dataset,
    digest: str,
    tested: Results | None,
    evaluation: dict[str, Any] | None,
    cluster: Cluster,
) -> Path:
    """Trains the model, or goes on with that, and writes it as a bundle.

    Args:
      digest: of the corpus.
      tested: see `plan`.
      evaluation: what summary.json says of the one condition.

    Returns:
      The bundle's folder, in the run directory.

    Raises:
      TrainingError: the training diverges.
      InputError: the bundle cannot be written.
      Stopped: the process was told to stop; what is under way is kept.
    """
    schedule, folder = plan(settings, corpus, tested), settings.run_dir / NAME
    (condition,) = flags.conditions(settings)
    checkpoints = settings.run_dir / "checkpoints" / NAME
    kept = Checkpoints(checkpoints)

    def keep(outcome: Outcome, figures: Figures) -> None:
        epoch, step = outcome.failed[0, 0]
        if epoch:
            raise TrainingError(
                f"the final model's loss or gradient is not finite in epoch {epoch}, "
                f"step {step}: a smaller --learning_rate may help"
            )
        trained = Bundle(
            emotions=corpus.emotions,
            feature_set=corpus.feature_set,
            condition=condition,
            mean=np.asarray(outcome.trials.mean[0, 0]),
            scale=np.asarray(outcome.trials.scale[0, 0]),
            params=jax.tree.map(lambda leaf: leaf[0, 0], outcome.params),
            about=_about(settings, corpus, digest, schedule, evaluation),
        )
        # Of a process that was killed here: the same model.
        shutil.rmtree(folder, ignore_errors=True)
        bundle.save(trained, folder)
        shutil.rmtree(checkpoints, ignore_errors=True)

    frames = schedule.training_frames() * schedule.epochs
    with terminal.bar("final model", frames, "frame", scale=True) as bar:
        # Nobody is left to validate on.
        alone = replace(settings, validation="none")
        work = Work(alone, corpus, [condition], schedule, cluster, kept, bar, None)
        work.name = "final model, "
        work.train(Chunk([0], [0], [0]), keep)
    return folder


def _about(
    settings: Settings,
    corpus: Dataset,
    digest: str,
    schedule: Plan,
    evaluation: dict[str, Any] | None,
) -> dict[str, Any]:
    """What the model card says; nothing of the machine that others should not know."""
    counts = Counter(corpus.label.tolist())
    environment = run_dir.environment()
    del environment["host"]
    return {
        "training": {
            "corpus": settings.corpus,
            "utterances": len(corpus.label),
            "speakers": len(corpus.speakers),
            "frames": int(corpus.length.sum()),
            "emotions": {name: counts[n] for n, name in enumerate(corpus.emotions)},
            "digest": digest,
            "seed": _SEED,
            "epochs": schedule.epochs,
            "batch_size": schedule.batch_size,
        },
        "evaluation": evaluation
        and {
            "hold_out": settings.hold_out,
            "validation": settings.validation,
            "epochs": settings.epochs,
            "folds": len(evaluation["folds"]),
            "seeds": len(evaluation["seeds"]),
            "speakers": len(evaluation["speakers"]),
            "ua": evaluation["ua"],
            "wa": evaluation["wa"],
            "confusion": evaluation["confusion"],
        },
        "flags": flags_text.agreed(settings),
        "environment": environment,
    }
