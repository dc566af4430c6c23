"""What an experiment would do, from the headers of its files alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from launch.command_line import flags
from launch.command_line.flags import Settings
from launch.experiment import loading, loop, training
from launch.experiment.terminal import number
from vladser import registry
from vladser.data import dataset
from vladser.engine import trial_batches
from vladser.features import extraction
from vladser.types import Corpus


def preview(settings: Settings, chosen: Corpus, classes: Sequence[str]) -> str:
    """The answer to --dry_run."""
    expected, columns = extraction.expect(
        chosen.utterances,
        registry.features.build(settings.features),
        settings.max_seconds,
    )
    known = [u for u in chosen.utterances if u.id in expected]
    # Frames without columns: all that a plan looks at is their number.
    empty = {u.id: np.empty((expected[u.id], 0), np.float32) for u in known}
    corpus = dataset.build(known, empty, classes, "none")
    plan = training.plan(settings, corpus)

    buffer = int(corpus.length.sum() + corpus.length.max()), columns
    # As large as the real one to whoever asks, and in fact one number.
    corpus = replace(corpus, frames=np.broadcast_to(np.float32(0), buffer))
    conditions = flags.conditions(settings)
    fits = loop.fits(settings, corpus, conditions, plan)
    mine = trial_batches.cut(plan, conditions, fits, 0, settings.num_processes or 1)
    largest = max(mine, key=lambda chunk: chunk.trials)
    mesh = trial_batches.mesh(largest)
    working = trial_batches.memory(largest, corpus, plan, conditions)
    memory = (corpus.frames.nbytes + working) / 2**20
    trials = len(conditions) * len(plan.folds) * len(plan.seeds)
    frames = len(conditions) * plan.epochs * plan.training_frames()
    cut = f"{len(mine)}, the largest of {number(largest.trials, 'trial')}"
    if settings.num_processes:
        cut += f" in process 0 of {settings.num_processes}"
    counts = Counter(u.emotion for u in known)
    lines = [
        f"corpus      {settings.corpus}: {number(len(known), 'utterance')} of "
        f"{number(len(corpus.speakers), 'speaker')}, {corpus.length.sum():,} frames",
        f"classes     {', '.join(f'{name} {counts[name]:,}' for name in classes)}",
        *(f"{'' if n else 'condition':12}{c.name}" for n, c in enumerate(conditions)),
        f"trials      {trials:,} = {number(len(conditions), 'condition')} x "
        f"{number(len(plan.folds), 'fold')} x {number(len(plan.seeds), 'seed')}; "
        f"{number(plan.epochs, 'epoch')} of {number(plan.steps, 'step')}",
        f"training    {frames:,} frames",
        f"chunks      {cut}",
        f"memory      about {memory:,.0f} MiB of arrays on each of "
        f"{number(mesh.size, 'device')} ({mesh.devices.flat[0].device_kind})",
        f"results     {settings.run_dir}",
    ]
    if bad := len(chosen.utterances) - len(known):
        what = f"bad {loading.kind(settings)}"
        lines.append(f"{what:12}{number(bad, 'utterance')}, by the files' headers")
    return "\n".join([*lines, *(f"note: {note}" for note in chosen.notes)])
