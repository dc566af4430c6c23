"""--dry_run: what an experiment would do, by the headers of its files alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import jax
import numpy as np

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from launch.experiment import designing, loading, resuming
from vladser import registry, text
from vladser.data import dataset, folds
from vladser.engine import arithmetic, placement, trial_batches
from vladser.engine.design import Design
from vladser.evaluation import independence
from vladser.features import headers, packed
from vladser.features.audio import RATE
from vladser.types import Dataset, Part, Utterance


def preview(settings: Settings) -> str:
    """Returns what --dry_run prints; raises as `run.run` does before it trains."""
    designing.check_parts(settings)
    with cli.wrong_use():
        resuming.check(settings)
    corpus = loading.read(settings)
    chosen, classes = loading.select(settings, corpus)
    parts = flags.features(settings)
    expected = {
        part: headers.expect(
            chosen.utterances, registry.features.build(part), settings.max_seconds
        )
        for part in parts
    }
    count, bad = len(chosen.utterances), dict[str, str]()
    for part in parts:
        loading.require(settings, part, count, expected[part].bad, bad)
    if bad:
        chosen, classes = loading.select(settings, corpus, bad)
    known = chosen.utterances
    by_features = {
        part: _without_frames(known, of.frames, of.dim, classes, loading.most(settings))
        for part, of in expected.items()
    }
    design = designing.design(settings, by_features)
    cut = [
        piece
        for batch in trial_batches.programs(design)
        for piece in trial_batches.cut(design, batch, settings.trials_at_once)
    ]
    largest = max(cut, key=partial(trial_batches.memory, design))
    data = design.datasets[largest.conditions[0]]
    mesh = placement.mesh(*largest.rectangle)
    memory = trial_batches.memory(design, largest) / 2**20
    seeds, conditions, folds = design.shape
    plans = [design.plan(place) for place in range(conditions)]
    frames = sum(plan.epochs * plan.training_frames() for plan in plans)
    schedules = [
        f"{text.count(epochs, 'epoch')} of {text.count(steps, 'step')}"
        for epochs, steps in sorted({(plan.epochs, plan.steps) for plan in plans})
    ]
    counts = Counter(u.emotion for u in known)
    lines = [
        f"corpus      {settings.corpus}: {text.count(len(known), 'utterance')} of "
        f"{text.count(len(data.speakers), 'speaker')}, {data.length.sum():,} frames",
        f"classes     {', '.join(f'{name} {counts[name]:,}' for name in classes)}",
        f"features    {', '.join(map(str, parts))}",
        *_costs(design, mesh.size),
        f"trials      {seeds * conditions * folds:,} = "
        f"{text.count(conditions, 'condition')} x {text.count(folds, 'fold')} x "
        f"{text.count(seeds, 'seed')}; {', '.join(schedules)}",
        f"training    {frames:,} frames",
        f"batches     {len(cut)}, the largest of {text.count(largest.trials, 'trial')}",
        f"memory      about {memory:,.0f} MiB of arrays on each of "
        f"{text.count(mesh.size, 'device')} ({mesh.devices.flat[0].device_kind})",
        f"results     {settings.run_dir}",
    ]
    notes = [*chosen.notes, *_cautions(design, data)]
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])


def _cautions(design: Design, data: Dataset) -> Iterator[str]:
    """Yields a note where the corpus's own split shares speakers."""
    for fold in design.folds:
        shared = folds.shared_speakers(data, fold)
        tested = [
            {"speaker": data.speakers[code], "shared": code in shared}
            for code in np.unique(data.speaker[fold.test])
        ]
        if caution := independence.caution(tested):
            yield caution


def _costs(design: Design, devices: int) -> list[str]:
    """Returns a table of the conditions: what a second of speech costs, about how many
    hours all trials take, and the name."""
    speed = arithmetic.SHARE * arithmetic.speed() * devices / len(jax.local_devices())
    rows, total = [], 0.0
    for place, name in enumerate(design.names):
        length, features = (
            design.datasets[place].length,
            design.conditions[place].features,
        )
        frames = sum(int(length[fold.train].sum()) for fold in design.folds)
        speech = frames / _frames_a_second(features)
        epoch = arithmetic.epoch(design, place)
        second = epoch / (len(design.seeds) * speech) / 1e6
        hours = design.conditions[place].epochs * epoch / speed / 3600
        total += hours
        word = "" if place else "condition "
        rows.append((word, f"{second:,.1f}", f"{hours:,.2f}", name))
    at = f"{total:,.2f} in all, estimated at {speed / 1e9:,.0f} GFLOP/s"
    what = f"a second of speech; {at}"
    return text.table(("cost", "MFLOP", "hours", what), rows, {3}).splitlines()


def _frames_a_second(part: Part) -> float:
    """Returns how many frames features have a second; 100 for those in files."""
    frames = registry.features.build(part).frames
    return (frames(20 * RATE) - frames(10 * RATE)) / 10 if frames else 100.0


def _without_frames(
    utterances: Sequence[Utterance],
    frames: Mapping[str, int],
    columns: int,
    classes: Sequence[str],
    most: float,
) -> Dataset:
    """Builds a dataset of the size of the real one that in fact holds no frame; `most`
    as in `packed.join`."""
    empty = {u.id: np.empty((frames[u.id], 0), np.float32) for u in utterances}
    silent = {u.id: np.zeros(frames[u.id], bool) for u in utterances}  # a byte each
    data = dataset.build(utterances, empty, classes, "none", silent)
    unread = packed.Unread(data.length, columns, lambda number: np.empty(0))
    there = np.broadcast_to(np.float32(0), unread.shape)
    fits = packed.fits(there.nbytes, most)
    return replace(data, frames=there if fits else unread)
