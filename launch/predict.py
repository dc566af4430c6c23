"""Says which emotion is heard in audio files, by a trained model.

    python -m launch.predict --model=MODEL interview.wav recordings list.csv
    python -m launch.predict --model=MODEL --window=4 --hop=1 --timeline=plots long.flac

A word is an audio file, a folder (all audio files below it) or a CSV file that lists
audio files in its column `file` and, optionally, segments in `start` and `end`, in
seconds. For a model of ready features they are .npy files. Files that cannot be
classified are reported at the end; the others are classified all the same.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import sys
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Self

from launch.command_line import cli, fields, model_features
from launch.command_line.fields import flag, words
from launch.command_line.parsers import one_of
from launch.output import terminal
from launch.predicting import inputs, predictions, windows
from vladser import files, text
from vladser.errors import InputError
from vladser.features import extraction
from vladser.features.audio import RATE
from vladser.machine import cores
from vladser.options import Count, Positive


@dataclass(frozen=True)
class Settings(model_features.Settings):
    """Which model, which files, and what to make of them.

    Attributes:
      window: classifies windows of this many seconds instead of whole files.
      hop: seconds from one window to the next (default: half a window).
      timeline: a folder for plots of the emotions over time, one per recording.
      format: what is printed: table, csv, json or jsonl.
      embeddings: a file (.npz) for the utterance-level representations.
      max_seconds: longer audio, or windows, are not classified.
      workers: processes that extract features.
    """

    files: tuple[str, ...] = words("FILE, FOLDER or LIST.csv")
    window: Positive | None = flag("Long recordings")
    hop: Positive | None = flag("Long recordings")
    timeline: Path | None = flag("Long recordings")
    format: str = flag("Output", "table", one_of(*predictions.FORMATS))
    embeddings: Path | None = flag("Output")
    max_seconds: Positive = flag("Extraction", 60.0)
    workers: Count = flag("Extraction", cores())
    cache_dir: Path = fields.cache_dir("Extraction")

    def checked(self) -> Self:
        """See `fields.Settings.checked`."""
        settings = super().checked()
        features = settings.find_features()
        shortest = features.shortest / RATE
        window, hop, embeddings = self.window, self.hop, self.embeddings
        if window is None:
            if hop is not None or self.timeline is not None:
                raise InputError("--hop and --timeline go with --window")
        elif not features.setup:
            raise InputError(
                "--window cuts audio: this model takes ready features (.npy)"
            )
        elif not shortest <= window <= self.max_seconds:
            raise InputError(
                f"--window={window:g}: expected from {shortest:g} to --max_seconds="
                f"{self.max_seconds:g}"
            )
        elif (hop := hop or window / 2) > window:
            raise InputError(f"--hop={hop:g}: expected at most --window={window:g}")
        if embeddings and (embeddings.exists() or not embeddings.parent.is_dir()):
            raise InputError(f"--embeddings={embeddings}: expected a new file's name")
        return replace(settings, hop=hop)


def main(settings: Settings) -> None:
    """Classifies the files and prints a line for each."""
    with cli.wrong_use():
        features = settings.find_features()
        suffixes = inputs.AUDIO if features.setup else {".npy"}
        utterances, notes = inputs.find(settings.files, suffixes)
        if settings.timeline:
            files.make_folder(settings.timeline)
    for note in [*notes, *settings.remarks(settings.cache_dir)]:
        terminal.say(f"note: {note}")
    recordings, unit = [[utterance] for utterance in utterances], "file"
    if settings.window and settings.hop:
        recordings = windows.cut(utterances, settings.window, settings.hop)
        utterances, unit = [*chain(*recordings)], "window"
    with (
        extraction.started(
            utterances,
            settings.cache_dir,
            features,
            settings.max_seconds,
            settings.workers,
            keep=settings.window is None,  # windows are many, and overlap
        ) as extracted,
        terminal.bar("features", len(utterances), unit) as bar,
    ):
        from launch.command_line import backend  # late because it imports jax

        backend.prepare(1, settings.cache_dir / "xla")
        backend.check()
        bundle = settings.load()
        found = chain(*extracted)
        predicted = predictions.make(bundle, features, utterances, found, bar.update)
    # File names may be any bytes. (typeshed says TextIO, which stdout may be.)
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    predictions.show(predicted, settings.format)
    sys.stdout.flush()
    if settings.embeddings:
        predictions.write_embeddings(predicted, settings.embeddings)
    if settings.timeline:
        windows.draw(settings.timeline, recordings, predicted)
    for complaint in predictions.complaints(predicted):
        terminal.say(complaint)
    if predicted.bad:
        count = text.count(len(utterances), unit)
        raise InputError(f"{len(predicted.bad):,} of {count} could not be classified")


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
