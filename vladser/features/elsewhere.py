"""Extracts features of audio that another machine has sent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from vladser.contracts import Features
from vladser.features import extraction
from vladser.features.audio import BadAudio
from vladser.types import Utterance


class Recording(NamedTuple):
    """A file of audio, with the utterances in it."""

    utterances: Sequence[Utterance]
    content: bytes


def answer(
    recordings: Sequence[Recording],
    folder: Path,
    features: Features,
    max_seconds: float,
    workers: int,
) -> Iterator[tuple[str, bytes | BadAudio]]:
    """Yields ids of utterances and what the sender's cache is to hold of them.

    Args:
      folder: an empty one.
      features, max_seconds, workers: as in `extraction.extract`.
    """
    utterances = []
    for number, (in_file, content) in enumerate(recordings):
        file = folder / f"{number}{in_file[0].file.suffix}"
        file.write_bytes(content)
        utterances += [replace(utterance, file=file) for utterance in in_file]
    how = folder / "cache", features, max_seconds, workers
    with extraction.started(utterances, *how) as sources:
        for one in chain(*sources):
            found = one.features
            if isinstance(found, BadAudio):
                yield one.utterance.id, found
            else:
                assert isinstance(found, Path)  # it is in the cache
                yield one.utterance.id, found.read_bytes()
