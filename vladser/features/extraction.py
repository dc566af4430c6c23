"""Utterances -> features: from the cache, and what it lacks from worker processes."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.errors import InputError
from vladser.features import audio, cache, computing, npy, packed
from vladser.features.audio import BadAudio
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
    utterances = [*utterances]
    outcomes: dict[str, Path | BadAudio] = {}
    computed = 0
    how = features, max_seconds, workers
    with closing(_located(utterances, Path(cache_dir), *how)) as located:
        for utterance, outcome, new in located:
            assert not isinstance(outcome, np.ndarray)  # all are kept
            outcomes[utterance.id] = outcome
            computed += new and not isinstance(outcome, BadAudio)
            progress(1)
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
    return Extraction(feature_set, joined, bad, computed, len(files) - computed)


def each(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    keep: bool = True,
) -> Generator[tuple[Utterance, np.ndarray | BadAudio], None, None]:
    """Extracts features one utterance after another: those in the cache, then the
    others as they are done. Nothing is kept in memory.

    To stop early, close it: `with contextlib.closing(each(...)) as results`.

    Args:
      utterances, cache_dir, features, max_seconds, workers: as in `extract`.
      keep: False leaves the cache alone.

    Yields:
      each utterance once, with its features, float32 [T, D], or what is wrong.

    Raises:
      InputError: as `extract`.
    """
    how = features, max_seconds, workers, keep
    with closing(_located([*utterances], Path(cache_dir), *how)) as located:
        for utterance, outcome, _ in located:
            if isinstance(outcome, Path):
                outcome = np.ascontiguousarray(packed.load(outcome), np.float32)
            yield utterance, outcome


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
        shapes = npy.shapes(utterances, features.dim)
        good = {id: s for id, s in shapes.items() if not isinstance(s, BadAudio)}
        dim = max((shape[1] for shape in good.values()), default=0)
        return {id: shape[0] for id, shape in good.items()}, dim
    lengths = {u.id: audio.expected_samples(u, max_seconds) or 0 for u in utterances}
    return {
        id: features.frames(samples)
        for id, samples in lengths.items()
        if samples >= features.shortest
    }, features.dim


def _located(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    features: Features,
    max_seconds: float,
    workers: int | None,
    keep: bool = True,
) -> Generator[tuple[Utterance, Path | np.ndarray | BadAudio, bool], None, None]:
    """Yields each utterance with the file of its features, the features where they are
    not kept, or what is wrong; and whether it was left to the workers."""
    if not features.setup:
        for utterance, outcome in npy.check(utterances, features.dim):
            yield utterance, outcome, False
        return
    pending: list[computing.Job] = [(u, None) for u in utterances if not keep]
    entries = []
    if keep:
        digest = once(audio.digest)
        folder = cache.folder(cache_dir, cache.identify(features, cache_dir))

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

        threads = ThreadPoolExecutor(cores())  # digests and checks let others run
        try:
            looked_up = threads.map(look_up, utterances)
            for utterance, (entry, absent) in zip(utterances, looked_up, strict=True):
                if isinstance(entry, Path):
                    entries.append(entry)
                if absent:
                    pending.append((utterance, entries[-1]))
                else:
                    yield utterance, entry, False
        finally:
            threads.shutdown(cancel_futures=True)  # where the caller has left
    if pending and features.package and not cache.is_installed(features.package):
        raise InputError(
            f"{cache_dir} lacks {len(pending)} utterances, and {features.package}, "
            f"which computes them, is not installed: pip install {features.package}"
        )
    done = computing.compute(pending, features, max_seconds, workers or cores())
    with closing(done):
        for utterance, computed in done:
            yield utterance, computed, True
    if pending and keep:
        cache.trim(cache_dir, entries, cache.LIMIT)
