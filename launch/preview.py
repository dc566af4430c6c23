"""What an experiment would do, from the headers of its audio files alone."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from launch import flags, training
from launch.flags import Settings
from launch.terminal import number
from vladser import dataset, features, sweep
from vladser.features import lengths
from vladser.types import Corpus, Spec


def preview(settings: Settings, chosen: Corpus, classes: Sequence[str]) -> str:
    """The answer to --dry_run."""
    expected = {
        u.id: lengths.estimate(u, settings.max_seconds) for u in chosen.utterances
    }
    known = [u for u in chosen.utterances if expected[u.id]]
    # Frames without columns: all that a plan looks at is their number.
    empty = {u.id: np.empty((expected[u.id], 0), np.float32) for u in known}
    corpus = dataset.build(known, empty, classes, "none")
    plan = training.plan(settings, corpus)

    columns = len(features.names())
    spec = Spec(settings.aggregator, columns, len(classes), settings.cells)
    trials, longest = (len(plan.seeds), len(plan.folds)), int(plan.shapes[-1])
    mesh = sweep.mesh(*trials)
    buffer = 4 * columns * (int(corpus.length.sum()) + longest)
    working = sweep.memory(spec, mesh, *trials, plan.batch_size, longest)
    tested = {step.length for step in plan.evaluation("test")}
    counts = Counter(u.emotion for u in known)
    lines = [
        f"corpus      {settings.corpus}: {number(len(known), 'utterance')} of "
        f"{number(len(corpus.speakers), 'speaker')}, {corpus.length.sum():,} frames",
        f"classes     {', '.join(f'{name} {counts[name]:,}' for name in classes)}",
        f"condition   {flags.condition(settings).name}",
        f"trials      {np.prod(trials):,} = {number(len(plan.folds), 'fold')} x "
        f"{number(len(plan.seeds), 'seed')}; {number(plan.epochs, 'epoch')} of "
        f"{number(plan.steps(), 'step')}",
        f"programs    {len(plan.shapes)} to train, {len(tested)} to test; padded to "
        f"{', '.join(map(str, plan.shapes))} frames",
        f"memory      about {(buffer + working) / 2**20:,.0f} MiB of arrays on each of "
        f"{number(mesh.size, 'device')} ({mesh.devices.flat[0].device_kind})",
        f"results     {settings.run_dir}",
    ]
    if len(known) < len(expected):
        bad = len(expected) - len(known)
        lines.append(f"bad audio   {number(bad, 'utterance')}, by the files' headers")
    return "\n".join([*lines, *(f"note: {note}" for note in chosen.notes)])
