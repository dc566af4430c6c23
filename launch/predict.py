"""Says which emotion is heard in audio files, by a trained model.

    python -m launch.predict --model=MODEL interview.wav recordings list.csv
    python -m launch.predict --model=MODEL --window=4 --hop=1 --timeline=plots long.flac

A word is an audio file, a folder (all audio files below it) or a CSV file that lists
some in its column `file` and, where wanted, the segments in `start` and `end`, in
seconds. For a model of ready features they are .npy files. What goes wrong with a file
is said at the end; the others are classified all the same.
"""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags
from platformdirs import user_cache_path

from launch.command_line import cli, model_flags, parsers
from launch.command_line.model_flags import ModelFlags
from launch.command_line.parsers import count, flag, one_of, path, positive
from launch.experiment import run_dir, terminal
from launch.predicting import inputs, outputs, reading, windows
from launch.predicting.classifying import Classified, classify
from launch.predicting.inputs import Inputs
from vladser import registry, text
from vladser.errors import InputError
from vladser.features import extraction
from vladser.features.audio import RATE
from vladser.features.cores import cores
from vladser.models import bundle
from vladser.models.bundle import Bundle
from vladser.types import Features, Part, Utterance


@dataclass(frozen=True)
class Settings(ModelFlags):
    """What the flags say, parsed and checked: a field a flag."""

    features: Part | None = flag("Model", None, registry.features.parse, reading.HELP)

    window: float | None = flag(
        "Long recordings",
        None,
        positive,
        "Classifies windows of so many seconds instead of whole files.",
    )
    hop: float | None = flag(
        "Long recordings",
        None,
        positive,
        "Seconds from one window to the next (default: half a window).",
    )
    timeline: Path | None = flag(
        "Long recordings",
        None,
        path,
        "A folder for pictures of the emotions over time, one a recording.",
    )

    format: str = flag(
        "Output",
        "table",
        one_of(*outputs.FORMATS),
        f"How it is printed: {', '.join(outputs.FORMATS)}.",
    )
    embeddings: Path | None = flag(
        "Output",
        None,
        path,
        "A file (.npz) for the utterance-level representations.",
    )

    max_seconds: float = flag(
        "Extraction", 60, positive, "Longer audio, or windows, are not classified."
    )
    workers: int = flag(
        "Extraction", cores(), count, "Processes that extract features."
    )
    cache_dir: Path = flag(
        "Extraction",
        None,
        path,
        f"Where features are kept (default: {user_cache_path('vladser')}).",
    )


class Request(NamedTuple):
    """What is asked for."""

    settings: Settings
    feature_set: str  # of the model
    features: Features  # the same
    inputs: Inputs


def define(values: flags.FlagValues) -> None:
    """Defines the flags of the program on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues, *words: str) -> Request:
    """Returns what the flags and words ask for.

    Raises:
      InputError: flags that are missing or do not go together, no such file, folder or
        model, or a model whose features are not known here.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    given["cache_dir"] = (given["cache_dir"] or user_cache_path("vladser")).absolute()
    if given["window"]:
        given["hop"] = given["hop"] or given["window"] / 2
    settings = Settings(**given)
    said = model_flags.describe(given)
    features = reading.find(said, settings.features)
    _check(settings, features)
    found = inputs.find(words, inputs.AUDIO if features.setup else {".npy"})
    return Request(settings, said.feature_set, features, found)


def _check(settings: Settings, features: Features) -> None:
    window, hop, embeddings = settings.window, settings.hop, settings.embeddings
    shortest = features.shortest / RATE
    if window is None:
        for name in ("hop", "timeline"):
            if getattr(settings, name) is not None:
                raise InputError(f"--{name} goes with --window, the length of windows")
    elif not features.setup:
        raise InputError("--window cuts audio: this model takes ready features (.npy)")
    elif not shortest <= window <= settings.max_seconds:
        raise InputError(
            f"--window={window:g}: should be from {shortest:g} to --max_seconds="
            f"{settings.max_seconds:g}"
        )
    elif hop is not None and hop > window:
        raise InputError(f"--hop={hop:g}: should be at most --window={window:g}")
    if embeddings and embeddings.exists():
        raise InputError(f"--embeddings={embeddings} is there already: name another")
    if embeddings and not embeddings.parent.is_dir():
        raise InputError(f"--embeddings={embeddings}: no folder {embeddings.parent}")


def main(request: Request) -> None:
    """Classifies, and prints a line each."""
    settings, given = request.settings, request.inputs
    with cli.wrong_use():
        if settings.timeline:
            run_dir.make(settings.timeline)
    remark = reading.note(
        request.feature_set,
        request.features,
        settings.cache_dir,
        settings.features is not None,
    )
    for note in filter(None, [*given.notes, remark]):
        terminal.say(f"note: {note}")
    recordings = [[utterance] for utterance in given.utterances]
    if settings.window:
        recordings = _windows(settings, given.utterances)
    utterances = [window for recording in recordings for window in recording]
    found = _classify(request, utterances)
    # File names may be any bytes. (typeshed says TextIO, for it may be replaced.)
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    write = outputs.FORMATS[settings.format]
    write(outputs.rows(utterances, found), found.emotions, sys.stdout)
    sys.stdout.flush()
    if settings.embeddings:
        outputs.write_embeddings(settings.embeddings, utterances, found)
    if settings.timeline:
        from launch.predicting import timelines  # late, for it imports matplotlib

        timelines.write(settings.timeline, recordings, found)
    for complaint in outputs.complaints(utterances, found):
        terminal.say(complaint)
    if found.bad:
        raise InputError(
            f"{len(found.bad):,} of {text.count(len(utterances), _unit(settings))}"
            " could not be classified"
        )


def _windows(settings: Settings, utterances: list[Utterance]) -> list[list[Utterance]]:
    """The windows of each, with their places as ids."""
    assert settings.window and settings.hop  # see `read`
    recordings, place = [], 0
    for utterance in utterances:
        cut = windows.cut(utterance, settings.window, settings.hop)
        recordings.append(
            [replace(window, id=str(n)) for n, window in enumerate(cut, place)]
        )
        place += len(cut)
    return recordings


def _classify(request: Request, utterances: list[Utterance]) -> Classified:
    settings = request.settings

    def load() -> Bundle:
        from launch.command_line import backend  # late, for it imports jax

        backend.prepare(1, settings.cache_dir / "xla")
        return bundle.load(settings.model, settings.own)

    results = extraction.each(
        utterances,
        settings.cache_dir,
        features=request.features,
        max_seconds=settings.max_seconds,
        workers=settings.workers,
        keep=settings.window is None,  # windows are many, and overlap
    )
    with terminal.bar("features", len(utterances), _unit(settings)) as bar:
        keep = settings.embeddings is not None
        return classify(len(utterances), results, load, keep, bar.update)


def _unit(settings: Settings) -> str:
    return "window" if settings.window else "file"


if __name__ == "__main__":
    cli.start(main, define, read, __doc__, positional="FILE, FOLDER or LIST.csv")
