"""Says which emotion is spoken, while it is spoken.

    ffmpeg -i a.mp3 -f s16le -ar 16000 -ac 1 - | python -m launch.stream --model=MODEL
    python -m launch.stream --model=MODEL --microphone

Reads raw PCM from standard input (16 kHz, mono, 16-bit, little-endian), or listens to a
microphone. On a terminal it shows one line that changes; elsewhere it writes one JSON
object a line. It ends with the audio or by Ctrl-C. docs/streaming.md says more.
"""

from __future__ import annotations

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import shutil
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from launch.command_line import cli, model_features, parsers, stopping
from launch.command_line.fields import flag
from launch.output import terminal
from launch.streaming import sources
from vladser.errors import InputError
from vladser.features import worker
from vladser.features.audio import SILENT

LONGEST = 60.0  # seconds
SPOKEN = 4.0  # seconds


def _seconds(text: Any) -> float:
    value = parsers.option("Positive", 0.0)(text)
    if not 0.1 <= value <= LONGEST:
        raise ValueError(f"expected a number of seconds from 0.1 to {LONGEST:g}")
    return value


@dataclass(frozen=True)
class Settings(model_features.Settings):
    """Which model, what it listens to and how often it answers.

    Attributes:
      microphone: listens to the default microphone instead of standard input, at any
        rate of 16 kHz or more; needs pip install 'vladser[microphone]'.
      utterance: a new utterance, classified by itself, begins after this many seconds
        (default: 60; 4 with --microphone).
      every: seconds of audio from one result to the next.
    """

    microphone: bool = flag("Audio", "false")
    utterance: float = flag("Audio", None, _seconds)
    every: float = flag("Output", 0.5, _seconds)

    def checked(self) -> Self:
        """See `fields.Settings.checked`; also checks that there is audio to come."""
        settings = super().checked()
        if not settings.find_features().live:
            taken = settings.description.feature_set
            raise InputError(
                f"{self.model} takes features {taken}, which cannot be extracted live: "
                "expected a model of openSMILE's"
            )
        if self.microphone:
            sources.packages()
        elif sys.stdin is None or sys.stdin.isatty():
            raise InputError("standard input is no audio: expected PCM, see --help")
        default = SPOKEN if self.microphone else LONGEST
        return replace(settings, utterance=self.utterance or default)


def main(settings: Settings) -> None:
    """Shows results until the audio ends."""
    # Late because they import jax: wrong flags must be answered at once.
    from launch.command_line import backend

    # Single frames are no work for an accelerator, which others may want.
    backend.settle(platforms="cpu")

    from launch.streaming import lines
    from vladser import model
    from vladser.models.following import follow, warm_up

    bundle, features = settings.load(), settings.find_features()
    if not model.streams(bundle.spec):
        parts = f"{bundle.condition.encoder} or {bundle.condition.aggregator}"
        raise cli.UsageError(
            f"{settings.model}: {parts} needs all frames at once: expected parts that "
            "stream, as all of vladser's but bilstm and attentive_maximum do"
        )
    if bundle.condition.pieces.name != "whole":
        raise cli.UsageError(
            f"{settings.model}: {bundle.condition.pieces} needs whole utterances: "
            "expected a model with pieces=whole"
        )
    for remark in settings.remarks(Path()):
        terminal.say(f"note: {remark}")
    assert features.live  # see `Settings.checked`
    live = partial(features.live, worker.set_up(features))
    warm_up(bundle)
    audio = sources.microphone() if settings.microphone else sources.stdin()
    results = follow(bundle, live, audio, settings.every, settings.utterance)
    heard = False
    with stopping.deferred(), closing(results):  # a signal waits for the last result
        for result in results:
            if result.silent:
                span = f"{result.start:g} to {result.time:g} s"
                terminal.say(f"note: the audio from {span} {SILENT}")
                continue
            heard = True
            if sys.stdout.isatty():  # in the place of the one before
                width = shutil.get_terminal_size().columns - 1  # the last column wraps
                line = lines.as_line(result, bundle.emotions)[:width]
                end = "\n" if result.final else ""
                print(f"\r\x1b[K{line}", end=end, flush=True)
            else:
                print(lines.as_json(result, bundle.emotions), flush=True)
    if not heard:
        raise InputError(
            "there was no speech to classify: expected sound, of at least "
            f"{features.shortest} samples"
        )


if __name__ == "__main__":
    cli.start(main, Settings, __doc__)
