"""From settings and data to an experiment: folds, design, audit, dataset.json."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from vladser import model, own_code, own_parts, registry, systems
from vladser.condition import PARTS, specification
from vladser.data import cutting, dataset, folds
from vladser.engine.design import Design
from vladser.errors import InputError
from vladser.evaluation.audit import Finding, corpus, training
from vladser.types import Dataset, Fold, Part, Utterance


def check_parts(settings: Settings) -> None:
    """Raises UsageError for a part that refuses its options or its inputs, or for one
    of the user's that breaks its contract."""
    with cli.wrong_use():
        own: dict[tuple[str, Part], tuple[int, ...]] = {}
        for condition in flags.conditions(settings):
            outputs, size = model.sizes(specification(condition, dim=1, classes=2))
            energy = registry.features.build(condition.features).energy
            if not energy:
                cutting.spans(condition.pieces, 1, None)
            if fit := registry.readouts.build(condition.readout).fit:
                fit(0, np.eye(2), np.arange(2), 2)  # where a package is missing
            takes = {"aggregator": (outputs,), "head": (size,)}
            for kind in PARTS:
                part = getattr(condition, kind)
                if not registry.is_built_in(part):
                    own[kind, part] = takes.get(kind, ())
        for (kind, part), sizes in own.items():
            own_parts.check(kind, part, *sizes)


def own(settings: Settings) -> list[tuple[str, Part]]:
    """Returns the user's own parts of the conditions, each once, and their kinds."""
    parts = [
        (kind, getattr(condition, kind))
        for condition in flags.conditions(settings)
        for kind in PARTS
    ]
    return [*dict.fromkeys(p for p in parts if not registry.is_built_in(p[1]))]


def code(settings: Settings) -> dict[str, str]:
    """Returns the digests of the user's own code that the parts are made of."""
    digests: dict[str, str] = {}
    for kind, part in own(settings):
        registry.ROOMS[kind].build(part)  # imports it
        digests |= own_code.sources(part.name)
    return digests


def make_folds(settings: Settings, data: Dataset) -> list[Fold]:
    """Returns the folds; raises UsageError where the corpus has no such folds."""
    # Two corpora are one whose split tells them apart, see `vladser.corpora.cross`.
    hold_out = "split" if settings.test_corpus else settings.hold_out
    with cli.wrong_use():
        return folds.make(data, hold_out, settings.validation)


def design(settings: Settings, by_features: Mapping[Part, Dataset]) -> Design:
    """Designs the experiment that the flags ask for, on a dataset for each of the
    features that the conditions have. Where no utterance that is trained on has
    activation or valence, an objective of these is that of the emotion."""
    conditions = flags.conditions(settings)
    first, *_ = by_features.values()  # all have the same utterances
    made = make_folds(settings, first)
    if all(np.isnan(first.views[fold.train]).all() for fold in made):
        conditions = [*dict.fromkeys(map(systems.single_view, conditions))]
    data = [by_features[condition.features] for condition in conditions]
    return Design(
        data,
        conditions,
        made,
        range(settings.seeds),
        settings.standardize,
        settings.validation != "none",
    )


def audit(
    settings: Settings,
    design: Design,
    utterances: Sequence[Utterance],
    notes: Iterable[str] = (),
) -> list[Finding]:
    """Returns the findings before training on the design and its utterances, and the
    notes of its corpus, so that they are in the certificate."""
    name = "" if settings.test_corpus else settings.corpus
    return [
        *corpus.findings(design.datasets[0], utterances, design.folds, name),
        *training.planned(design),
        *(Finding("note", "ok", 0, note) for note in notes),
    ]


def require(findings: Sequence[Finding]) -> None:
    """Raises InputError where a finding is an error."""
    errors = [finding.check for finding in findings if finding.level == "error"]
    if errors:
        raise InputError(
            f"the audit found errors ({', '.join(errors)}): nothing in training may "
            "see what is tested"
        )


def describe(settings: Settings, by_features: Mapping[Part, Dataset]) -> dict[str, Any]:
    """Returns the content of dataset.json, in which `feature_sets` lists all features
    where there are several."""
    sets = [
        {
            "frames": int(data.length.sum()),
            "feature_set": data.feature_set,
            "features": data.frames.shape[1],
        }
        for data in by_features.values()
    ]
    digest, *others = map(dataset.digest, by_features.values())
    if others:
        digest = hashlib.sha256("".join([digest, *others]).encode()).hexdigest()
    data = next(iter(by_features.values()))
    counts = Counter(zip(data.speaker.tolist(), data.label.tolist(), strict=True))
    return {
        "corpus": settings.corpus,
        "test_corpus": settings.test_corpus,
        "utterances": len(data.utterances),
        **sets[0],
        **({"feature_sets": sets} if len(sets) > 1 else {}),
        "digest": digest,
        "speakers": {
            speaker: {emotion: counts[s, e] for e, emotion in enumerate(data.emotions)}
            for s, speaker in enumerate(data.speakers)
        },
    }
