"""From the flags to the utterances of an experiment and their features."""

from collections.abc import Container, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from launch.experiment import designing
from launch.output import terminal
from vladser import registry, text
from vladser.corpora import by_speaker, cross, emotions, readers
from vladser.data import dataset
from vladser.errors import InputError
from vladser.features import extraction, packed
from vladser.features.extraction import Extraction
from vladser.types import Corpus, Dataset, Part, Utterance

if TYPE_CHECKING:
    from launch.cluster.crew import Crew


class Loaded(NamedTuple):
    """The data of an experiment."""

    utterances: Sequence[Utterance]  # those of the classes, with usable audio
    datasets: dict[Part, Dataset]  # of them, for each of the features of the conditions
    bad: dict[str, str]  # the reason by utterance that some features cannot describe
    notes: Sequence[str]  # on the corpus


def read(settings: Settings) -> Corpus:
    """Reads the corpus, or both; raises UsageError where they do not go together, or
    have no speakers of the names that are given."""
    corpus = readers.read(settings.corpus, settings.data_dir)
    if settings.test_speakers:
        named = settings.test_speakers, settings.validation_speakers or ()
        with cli.wrong_use():
            return by_speaker.split(corpus, *named)
    if not settings.test_corpus:
        return corpus
    assert settings.test_data_dir  # see `flags.Settings.checked`
    test = readers.read(settings.test_corpus, settings.test_data_dir)
    with cli.wrong_use():
        return cross.join(corpus, test, settings.corpus, settings.test_corpus)


def select(
    settings: Settings, corpus: Corpus, bad: Container[str] = ()
) -> tuple[Corpus, Sequence[str]]:
    """Returns the utterances that --emotions selects, but for bad ones, with a note on
    named speakers and parts of the split that are left without any, and the classes;
    raises UsageError where the corpus has no such classes."""
    parts = {u.split for u in corpus.utterances if settings.hold_out == "split"}
    usable = [u for u in corpus.utterances if u.id not in bad]
    corpus = corpus._replace(utterances=usable)
    splits = cross.SPLITS if settings.test_corpus else ()
    with cli.wrong_use():
        chosen, classes = emotions.select(corpus, settings.emotions, splits)
    left = {utterance.speaker for utterance in chosen.utterances}
    named = *(settings.test_speakers or ()), *(settings.validation_speakers or ())
    if lost := [name for name in named if name not in left]:
        chosen.notes.append(f"named, but without usable utterances: {text.few(lost)}")
    for part in sorted(filter(None, parts - {u.split for u in chosen.utterances})):
        chosen.notes.append(f"split {part} has no usable utterances")
    return chosen, classes


def load(settings: Settings, crew: "Crew | None") -> Loaded:
    """Reads and selects the utterances, and extracts their features, by a crew or else
    here.

    Raises:
      UsageError: the corpus does not allow the protocol.
      InputError: a file is not usable, and --on_bad_audio=stop.
    """
    corpus = read(settings)
    chosen, classes = select(settings, corpus)
    # Checks the protocol before features are extracted, which can take long.
    nothing = {u.id: np.empty((1, 0), np.float32) for u in chosen.utterances}
    empty = dataset.build(chosen.utterances, nothing, classes, "none")
    designing.make_folds(settings, empty)
    extractions, bad = dict[Part, Extraction](), dict[str, str]()
    in_use = set[Path]()
    for part in flags.features(settings):
        extractions[part] = _extract(settings, part, chosen.utterances, crew, in_use)
        require(settings, part, len(chosen.utterances), extractions[part].bad, bad)
    if bad:
        chosen, classes = select(settings, corpus, bad)
    for note in chosen.notes:
        terminal.say(f"note: {note}")
    datasets = {
        part: dataset.build(
            chosen.utterances, x.features, classes, x.feature_set, x.energy
        )
        for part, x in extractions.items()
    }
    return Loaded(chosen.utterances, datasets, bad, chosen.notes)


def most(settings: Settings) -> float:
    """Returns the share of the machine's memory that each of the features may take."""
    return 0 if settings.from_disk else packed.MOST / len(flags.features(settings))


def kind(features: Part) -> str:
    """Returns what is read to describe utterances: audio, or files of features."""
    ready = registry.features.build(features).setup is None
    return "files" if ready else "audio"


def _extract(
    settings: Settings,
    features: Part,
    utterances: Sequence[Utterance],
    crew: "Crew | None",
    in_use: set[Path],
) -> Extraction:
    what, elsewhere = kind(features), None
    if crew is not None:
        from launch.cluster import extracting  # late because it imports ray

        elsewhere = partial(extracting.extract, crew)
    with terminal.bar("features", len(utterances), "file") as bar:
        done = extraction.extract(
            utterances,
            settings.cache_dir,
            features=registry.features.build(features),
            max_seconds=settings.max_seconds,
            workers=settings.workers,
            progress=bar.update,
            elsewhere=elsewhere,
            most=most(settings),
            in_use=in_use,
            with_energy=any(
                registry.pieces.build(condition.pieces).by_energy
                for condition in flags.conditions(settings)
                if condition.features == features
            ),
        )
    terminal.say(
        f"{len(done.features):,} utterances with {done.feature_set} "
        f"features: {done.computed:,} extracted, {done.cached:,} "
        f"{'read' if what == 'files' else 'cached'}"
    )
    for note in sorted(set(chain(*done.notes.values()))):
        names = [u.file for u in utterances if note in done.notes.get(u.id, ())]
        count = text.count(len(names), "file")
        terminal.say(f"note: {count} (such as {names[0]}): {note}")
    return done


def require(
    settings: Settings,
    features: Part,
    count: int,
    bad: Mapping[str, str],
    known: dict[str, str],
) -> None:
    """Names what is bad of `count` utterances, but for what other features have shown,
    to which it is added; raises InputError for --on_bad_audio=stop."""
    what = kind(features)
    for id, reason in bad.items():
        if id not in known:
            known[id] = reason
            terminal.say(f"bad {what}: {reason}")
    if bad and settings.on_bad_audio == "stop":
        raise InputError(
            f"{len(bad):,} of {count:,} utterances have no usable {what}, see above: "
            "fix them, or pass --on_bad_audio=skip"
        )
