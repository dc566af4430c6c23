"""Utterances -> features: from the cache, and what it lacks from worker processes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.features import audio, cache, computing, npy, packed
from vladser.features.audio import BadAudio
from vladser.features.computing import Outcome
from vladser.features.cores import cores
from vladser.features.packed import Packed
from vladser.features.vladser147 import vladser147
from vladser.types import Features, Utterance

DEFAULT = vladser147()


class Extraction(NamedTuple):
    """What `extract` returns.

    Attributes:
      feature_set: names the features, see `cache.identify`; those of .npy files by id
        and D, "npy-768".
      features: float32 [T, D] by utterance id, in the order of the utterances.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      computed, cached: how many of `features` are new, how many were there before.
    """

    feature_set: str
    features: Packed
    bad: dict[str, str]
    computed: int
    cached: int


def extract(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
) -> Extraction:
    """Extracts the features of each utterance, from the cache as far as they are there.

    Workers write each result to the cache once they have it, so that an interrupted
    extraction goes on where it was. A file that crashes its worker or makes it hang is
    bad, and the others are not affected. Where all is cached no process starts, and
    opensmile, soundfile and audresample need not be installed.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      utterances: their ids are unique.
      cache_dir: the folder of the cache; it is made where it is missing.
      features: where files hold them, `cache_dir` and `max_seconds` play no part.
      max_seconds: longer utterances are bad.
      workers: number of processes; None for one a core.
      progress: called with 1 whenever an utterance is done.

    Raises:
      InputError: the package that computes the features is not installed and the cache
        lacks some, or the cache cannot be written.
    """
    utterances, outcomes = [*utterances], dict[str, Path | BadAudio]()
    good = []
    with started(
        utterances,
        cache_dir,
        features=features,
        max_seconds=max_seconds,
        workers=workers,
    ) as sources:
        for source in sources:
            for utterance, outcome in source:
                assert not isinstance(outcome, np.ndarray)  # all are kept
                outcomes[utterance.id] = outcome
                progress(1)
            good.append(sum(isinstance(o, Path) for o in outcomes.values()))
    files, bad = dict[str, Path](), {}
    for utterance in utterances:
        if isinstance(outcome := outcomes[utterance.id], BadAudio):
            bad[utterance.id] = f"{utterance.file}: {outcome}"
        else:
            files[utterance.id] = outcome
    joined = packed.join(files)  # of mapped files: the one copy in memory
    if features.setup:
        feature_set = cache.identify(features, cache_dir)
    else:
        feature_set = f"{features.id}-{joined.frames.shape[1]}"
    cached, total = good
    return Extraction(feature_set, joined, bad, total - cached, cached)


@contextmanager
def started(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    *,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    keep: bool = True,
) -> Iterator[tuple[Iterable[Outcome], Iterable[Outcome]]]:
    """Starts an extraction: workers begin before the caller asks for what they make.

    Args:
      utterances, cache_dir, features, max_seconds, workers: as in `extract`.
      keep: False leaves the cache alone.

    Yields:
      what gives the utterances that are there already, and the others as they are done:
      each once, with the .npy file of its features (`packed.load` reads it), with the
      features [T, D] where they are not kept, or with what is wrong.

    Raises:
      InputError: as `extract`.
    """
    if not features.setup:
        yield npy.check(utterances, features.dim), ()
        return
    there, pending = list[Outcome](), list[computing.Job]()
    if keep:
        folder = cache.folder(cache_dir, cache.identify(features, cache_dir))
        digest = once(audio.digest)

        def look_up(utterance: Utterance) -> tuple[Path | BadAudio, bool]:
            """Returns the entry or what is wrong, and whether there is no entry."""
            try:
                content = digest(utterance.file)
                entry = cache.entry(folder, content, utterance.start, utterance.end)
                samples = cache.samples(entry)
                audio.check_length((samples or 0) / audio.RATE, max_seconds)
                return entry, samples is None
            except BadAudio as reason:
                return reason, False

        with ThreadPoolExecutor(cores()) as threads:  # digests and checks run at once
            looked_up = [*threads.map(look_up, utterances)]
        for utterance, (entry, absent) in zip(utterances, looked_up, strict=True):
            if isinstance(entry, Path) and absent:
                pending.append((utterance, entry))
            else:
                there.append((utterance, entry))
    else:
        pending = [(utterance, None) for utterance in utterances]
    how = features, max_seconds, workers or cores()
    with computing.started(pending, *how) as computed:
        yield there, computed
    if pending and keep:
        cache.trim(cache_dir, [e for e, _ in looked_up if isinstance(e, Path)])


def expect(
    utterances: Sequence[Utterance], features: Features, max_seconds: float
) -> tuple[dict[str, int], int]:
    """Estimates what `extract` would return, from the headers of the files alone.

    Args:
      utterances, features, max_seconds: as in `extract`.

    Returns:
      the frames of each utterance whose file seems usable, by its id, to within one
      where the audio has to be resampled; and D.
    """
    if not features.frames:
        shapes, _ = npy.shapes(utterances, features.dim)
        dim = max((columns for _, columns in shapes.values()), default=0)
        return {id: frames for id, (frames, _) in shapes.items()}, dim
    samples = {u.id: audio.expected_samples(u, max_seconds) for u in utterances}
    return {
        id: features.frames(count)
        for id, count in samples.items()
        if count >= features.shortest
    }, features.dim
