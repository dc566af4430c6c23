"""Says which emotion is spoken, while it is spoken.

    ffmpeg -i a.mp3 -f s16le -ar 16000 -ac 1 - | python -m launch.stream --model=MODEL
    python -m launch.stream --model=MODEL --microphone

Reads raw PCM from standard input (16 kHz, mono, 16-bit, little-endian), or listens to a
microphone. On a terminal it shows one line that changes; elsewhere it writes one JSON
object a line. It ends with the audio, or by Ctrl-C. docs/streaming.md says more.
"""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

if __name__ == "__main__":
    from launch.command_line import stopping

    stopping.listen()  # before the imports, which take time

import sys
from contextlib import closing
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from absl import flags

from launch.command_line import cli, model_flags, parsers, stopping
from launch.command_line.model_flags import ModelFlags
from launch.command_line.parsers import boolean, flag, positive
from launch.experiment import terminal
from launch.predicting import reading
from launch.streaming import sources
from vladser import registry
from vladser.errors import InputError
from vladser.models import bundle
from vladser.models.description import Description
from vladser.registry import aggregators
from vladser.types import Features, Part

LONGEST = 60.0  # seconds
SPOKEN = 4.0  # seconds


def _seconds(text: str) -> float:
    value = positive(text)
    if not 0.1 <= value <= LONGEST:
        raise ValueError(f"should be a number of seconds from 0.1 to {LONGEST:g}")
    return value


@dataclass(frozen=True)
class Settings(ModelFlags):
    """What the flags say, parsed and checked: a field a flag."""

    features: Part | None = flag("Model", None, registry.features.parse, reading.HELP)

    microphone: bool = flag(
        "Audio",
        "false",
        boolean,
        "Listens to the default microphone, not to standard input; needs the package "
        "sounddevice: pip install 'vladser[microphone]'.",
    )
    utterance: float = flag(
        "Audio",
        None,
        _seconds,
        "A new utterance begins after so many seconds; it is judged by itself "
        f"(default: {LONGEST:g}; {SPOKEN:g} with --microphone).",
    )
    every: float = flag(
        "Output", "0.5", _seconds, "Seconds of audio from one result to the next."
    )


def define(values: flags.FlagValues) -> None:
    """Defines the flags of the program on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues) -> Settings:
    """Returns the settings that parsed flags stand for.

    Raises:
      InputError: no model, or one of other features than can be streamed here; or there
        is nothing to listen to.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    said = model_flags.describe(given)
    default = SPOKEN if given["microphone"] else LONGEST
    given["utterance"] = given["utterance"] or default
    settings = Settings(**given)
    if not _features(settings, said).live:
        raise InputError(
            f"{settings.model} takes features {said.feature_set}, which cannot be "
            "extracted live: expected a model of openSMILE's"
        )
    if settings.microphone:
        sources.sounddevice()
    elif sys.stdin is None or sys.stdin.isatty():
        what = "is a terminal" if sys.stdin else "is closed"
        raise InputError(f"standard input {what}: raw PCM is right, see --help")
    return settings


def main(settings: Settings) -> None:
    """Shows results until the audio ends."""
    # Late, for they import jax: wrong flags must be answered at once.
    import jax

    # A frame at a time is no work for an accelerator, which others may want.
    jax.config.update("jax_platforms", "cpu")

    from launch.streaming import display
    from launch.streaming.results import results, warm_up
    from vladser.models import inference

    one = bundle.load(settings.model, settings.own)
    if not inference.can_stream(one):
        raise cli.UsageError(
            f"{settings.model}: its {one.condition.aggregator} needs all frames "
            f"at once: one that streams is right, say {', '.join(_streaming())}"
        )
    features = _features(settings, bundle.describe(settings.model, settings.own))
    assert features.setup and features.live  # see `read`
    given = settings.features is not None
    if remark := reading.note(one.feature_set, features, Path(), given):
        terminal.say(f"note: {remark}")
    live = partial(features.live, features.setup())
    show, shown = display.make(one.emotions), False
    warm_up(one)
    heard = sources.microphone() if settings.microphone else sources.stdin()
    found = results(one, live, heard, settings.every, settings.utterance)
    with stopping.deferred(), closing(found):  # the last result comes first
        for result in found:
            show(result)
            shown = True
    if not shown:
        raise InputError(
            f"there was no audio to judge: expected {features.shortest} samples or more"
        )


def _features(settings: Settings, said: Description) -> Features:
    return reading.find(said, settings.features)


def _streaming() -> list[str]:
    """The built-in poolings that stream."""
    every = aggregators.names()
    return [n for n in every if aggregators.build(aggregators.parse(n)).stepwise]


if __name__ == "__main__":
    cli.start(main, define, read, __doc__)
