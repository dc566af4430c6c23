"""From the flags to the utterances of an experiment and their features."""

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from launch.command_line import cli, flags
from launch.command_line.flags import Settings
from launch.experiment import terminal
from vladser import registry
from vladser.corpora import cross, emotions, readers
from vladser.errors import InputError
from vladser.features import extraction
from vladser.features.extraction import Extraction
from vladser.types import Corpus, Part, Utterance


class Loaded(NamedTuple):
    """What an experiment works on."""

    chosen: Corpus  # of the emotions that are asked for, with usable audio
    classes: Sequence[str]
    extractions: dict[Part, Extraction]  # of all features that conditions have

    @property
    def bad(self) -> dict[str, str]:
        """The reason by utterance, for those that some features cannot describe."""
        found: dict[str, str] = {}
        for of_part in self.extractions.values():
            found = of_part.bad | found
        return found


def read(settings: Settings) -> tuple[Corpus, Sequence[str]]:
    """What --emotions selects from the corpus, or from both, and the classes.

    Raises:
      UsageError: the corpus has no such classes.
      InputError: the corpus cannot be read.
    """
    return _select(settings, _corpus(settings))


def load(settings: Settings, alive: Callable[[], None]) -> Loaded:
    """What `read` selects, with its features.

    Args:
      alive: called now and then; raises if the work has become useless.

    Raises:
      UsageError: the corpus does not allow the protocol.
      InputError: files that are not usable, and --on_bad_audio=stop.
    """
    from launch.experiment import protocol  # late because it imports jax

    corpus = _corpus(settings)
    chosen, classes = _select(settings, corpus)
    protocol.check(settings, chosen.utterances, classes)
    parts = dict.fromkeys(one.features for one in flags.conditions(settings))
    extractions = {
        part: _extract(settings, part, chosen.utterances, alive) for part in parts
    }
    loaded = Loaded(chosen, classes, extractions)
    if loaded.bad:
        chosen, classes = _select(settings, corpus, loaded.bad)
    return loaded._replace(chosen=chosen, classes=classes)


def kind(features: Part) -> str:
    """What is bad where something is: audio, or files of features."""
    ready = registry.features.build(features).setup is None
    return "files" if ready else "audio"


def _corpus(settings: Settings) -> Corpus:
    corpus = readers.read(settings.corpus, settings.data_dir)
    if not settings.test_corpus:
        return corpus
    assert settings.test_data_dir  # see `checks.folders`
    test = readers.read(settings.test_corpus, settings.test_data_dir)
    with cli.wrong_use():
        return cross.join(corpus, test, settings.corpus, settings.test_corpus)


def _select(
    settings: Settings, corpus: Corpus, bad: Container[str] = ()
) -> tuple[Corpus, Sequence[str]]:
    corpus = corpus._replace(
        utterances=[u for u in corpus.utterances if u.id not in bad]
    )
    splits = cross.SPLITS if settings.test_corpus else ()
    with cli.wrong_use():
        return emotions.select(corpus, settings.emotions, splits)


def _extract(
    settings: Settings,
    features: Part,
    utterances: Sequence[Utterance],
    alive: Callable[[], None],
) -> Extraction:
    """The features of the utterances whose files are usable.

    Raises:
      InputError: some are not, and --on_bad_audio=stop.
    """

    what = kind(features)

    def progress(count: int) -> None:
        alive()
        bar.update(count)

    with terminal.bar("features", len(utterances), "file") as bar:
        done = extraction.extract(
            utterances,
            settings.cache_dir,
            features=registry.features.build(features),
            max_seconds=settings.max_seconds,
            workers=settings.workers,
            progress=progress,
        )
    terminal.say(
        f"{len(done.features):,} utterances with {done.feature_set} "
        f"features: {done.computed:,} extracted, {done.cached:,} "
        f"{'read' if what == 'files' else 'cached'}"
    )
    for reason in done.bad.values():
        terminal.say(f"bad {what}: {reason}")
    if done.bad and settings.on_bad_audio == "stop":
        raise InputError(
            f"{len(done.bad):,} of {len(utterances):,} utterances have no usable "
            f"{what}, see above: fix them, or pass --on_bad_audio=skip"
        )
    return done
