"""--final_model: one training on all speakers, which tests nobody."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from launch.command_line import flags
from launch.command_line.flags import Settings
from launch.experiment import designing, training
from launch.experiment.checkpoints import Checkpoints
from launch.experiment.desk import Desk
from launch.output import provenance
from launch.output.provenance import Machine
from vladser.condition import Condition
from vladser.data import folds
from vladser.engine.design import Design
from vladser.engine.events import Outcome
from vladser.engine.results import Results
from vladser.errors import TrainingError
from vladser.evaluation import independence
from vladser.models import bundle
from vladser.models.bundle import Bundle
from vladser.types import Dataset

if TYPE_CHECKING:
    from launch.cluster.crew import Crew

NAME = "model"  # of its folder in the run directory
_SEED = 0


def write(
    settings: Settings,
    data: Dataset,
    condition: Condition,
    digest: str,
    tested: Results | None,
    summary: dict[str, Any] | None,
    crew: "Crew | None",
) -> Path:
    """Trains the model on all of `data`, from its last checkpoint on, and writes it as
    a bundle, with the results of the one condition if it was tested.

    Returns:
      The bundle's folder, in the run directory.

    Raises:
      TrainingError: the training diverges.
      InputError: the bundle cannot be written.
      Stopped: the process was told to stop; a checkpoint is kept.
    """
    folder, checkpoints = (
        settings.run_dir / of for of in (NAME, f"checkpoints/{NAME}")
    )
    if tested is not None and settings.validation != "none":
        # Validation chose the epoch of each training: the median, rounded down.
        epochs = int(np.median(tested.epoch[~tested.failed.any(axis=-1)]))
        condition = replace(condition, epochs=epochs)
    alone = Design([data], [condition], folds.make(data, "none"), [_SEED])

    def finish(batch, outcome: Outcome | Results, figures, machine: Machine) -> None:
        assert isinstance(outcome, Outcome)
        epoch, step = outcome.results.failed[0, 0, 0]
        if epoch:
            raise TrainingError(
                f"the final model's loss or gradient is not finite in epoch {epoch}, "
                f"step {step}: a smaller --learning_rate may help"
            )
        model = Bundle(
            emotions=data.emotions,
            feature_set=data.feature_set,
            condition=condition,
            mean=np.asarray(outcome.trials.mean[0, 0]),
            scale=np.asarray(outcome.trials.scale[0, 0]),
            params=jax.tree.map(lambda leaf: leaf[0, 0], outcome.params),
            about=_about(settings, data, condition, digest, summary, machine),
            fitted=outcome.fitted[0][0][0],
        )
        # Of a process that was killed here: the same model.
        shutil.rmtree(folder, ignore_errors=True)
        bundle.save(model, folder)
        shutil.rmtree(checkpoints, ignore_errors=True)

    desk = Desk(alone, Checkpoints(checkpoints), [], finish)
    training.conduct("final model", settings, desk, crew, models=True)
    return folder


def _about(
    settings: Settings,
    data: Dataset,
    condition: Condition,
    digest: str,
    summary: dict[str, Any] | None,
    machine: Machine,
) -> dict[str, Any]:
    """Returns what the model card says: nothing private of the machine."""
    counts = Counter(data.label.tolist())
    environment = provenance.environment(designing.code(settings), machine.devices)
    del environment["host"]
    evaluations = [
        {
            "hold_out": settings.hold_out,
            "validation": settings.validation,
            "epochs": tested["epochs"],
            "part": tested["part"],
            **{name: len(tested[name]) for name in ("folds", "seeds", "speakers")},
            **{name: tested[name] for name in ("ua", "wa", "metrics", "confusion")},
            "caution": independence.caution(tested["speakers"]),
        }
        for tested in (summary or {"conditions": []})["conditions"]
    ]
    return {
        "training": {
            "corpus": settings.corpus,
            "utterances": len(data.label),
            "speakers": len(data.speakers),
            "unknown": int(folds.unknown(data).sum()),
            "frames": int(data.length.sum()),
            "emotions": {name: counts[n] for n, name in enumerate(data.emotions)},
            "digest": digest,
            "seed": _SEED,
            "epochs": condition.epochs,
            "batch_size": condition.batch_size,
        },
        # Of one test; of each of several parts.
        "evaluation": evaluations if evaluations[1:] else next(iter(evaluations), None),
        "flags": flags.agreed(settings),
        "environment": environment,
    }
