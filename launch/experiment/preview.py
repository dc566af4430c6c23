"""What an experiment would do, from the headers of its files alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from launch.command_line.flags import Settings
from launch.experiment import designing, loading, training
from vladser import registry, text
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
    buffer = int(corpus.length.sum() + corpus.length.max()), columns
    # As large as the real one to whoever asks, and in fact one number.
    corpus = replace(corpus, frames=np.broadcast_to(np.float32(0), buffer))
    design = designing.design(settings, corpus)
    fits = training.fits(settings, design)
    mine = trial_batches.cut(design, fits, settings.num_processes or 1)[0]
    largest = max(mine, key=lambda batch: batch.trials)
    mesh = trial_batches.mesh(largest)
    working = trial_batches.memory(design, largest)
    memory = (corpus.frames.nbytes + working) / 2**20
    seeds, conditions, folds = design.shape
    plans = [design.plan(place) for place in range(conditions)]
    frames = sum(plan.epochs * plan.training_frames() for plan in plans)
    epochs = sorted({(plan.epochs, plan.steps) for plan in plans})
    cut = f"{len(mine)}, the largest of {text.count(largest.trials, 'trial')}"
    if settings.num_processes:
        cut += f" in process 0 of {settings.num_processes}"
    counts = Counter(u.emotion for u in known)
    lines = [
        f"corpus      {settings.corpus}: {text.count(len(known), 'utterance')} "
        f"of {text.count(len(corpus.speakers), 'speaker')}, "
        f"{corpus.length.sum():,} frames",
        f"classes     {', '.join(f'{name} {counts[name]:,}' for name in classes)}",
        *(f"{'' if n else 'condition':12}{c}" for n, c in enumerate(design.names)),
        f"trials      {seeds * conditions * folds:,} = "
        f"{text.count(conditions, 'condition')} x {text.count(folds, 'fold')} x "
        f"{text.count(seeds, 'seed')}; "
        + ", ".join(
            f"{text.count(e, 'epoch')} of {text.count(s, 'step')}" for e, s in epochs
        ),
        f"training    {frames:,} frames",
        f"batches     {cut}",
        f"memory      about {memory:,.0f} MiB of arrays on each of "
        f"{text.count(mesh.size, 'device')} ({mesh.devices.flat[0].device_kind})",
        f"results     {settings.run_dir}",
    ]
    if bad := len(chosen.utterances) - len(known):
        what = f"bad {loading.kind(settings)}"
        lines.append(f"{what:12}{text.count(bad, 'utterance')}, by the files' headers")
    return "\n".join([*lines, *(f"note: {note}" for note in chosen.notes)])
