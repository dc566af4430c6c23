"""Utterances -> features: from the cache, and what it lacks from worker processes, in
which a crash or a hang costs one file."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vladser.contracts import Features
from vladser.features import audio, cache, npy, packed, pool
from vladser.features.audio import BadAudio
from vladser.features.packed import Packed
from vladser.features.vladser147 import vladser147
from vladser.features.worker import Job
from vladser.machine import cores
from vladser.types import Utterance

DEFAULT = vladser147()
# Extracts features on other machines: yields the id of an utterance, and the content of
# its entry in the cache.
Elsewhere = Callable[
    [Sequence[Utterance], Features, float], Iterable[tuple[str, bytes | BadAudio]]
]


class Described(NamedTuple):
    """An utterance and its features: where they are (`packed.load` reads them), or why
    there are none; notes on the audio; and of columns that are in no file the energy
    [T] that the others tell."""

    utterance: Utterance
    features: packed.Source | BadAudio
    notes: tuple[str, ...] = ()
    energy: np.ndarray | None = None


class Extraction(NamedTuple):
    """What `extract` returns.

    Attributes:
      feature_set: see `cache.identify`; of .npy files, id and D, "npy-768".
      features: float32 [T, D] by utterance id, in the order of the utterances.
      bad: for all other utterances, the file and what is wrong with it, in one line.
      notes: on the audio, by utterance id, where there are any.
      computed, cached: how many of `features` are new, and were there before.
      energy: [T] by utterance id, if it was asked for and the features tell it.
    """

    feature_set: str
    features: Packed
    bad: dict[str, str]
    notes: dict[str, tuple[str, ...]]
    computed: int
    cached: int
    energy: dict[str, np.ndarray]


def extract(
    utterances: Iterable[Utterance],
    cache_dir: Path,
    *,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    progress: Callable[[int], object] = lambda count: None,
    with_energy: bool = False,
    most: float = packed.MOST,
    elsewhere: Elsewhere | None = None,
    in_use: set[Path] | None = None,
) -> Extraction:
    """Extracts the features of each utterance, as far as they are not in the cache.

    Workers write each result to the cache once they have it, so that an interrupted
    extraction goes on where it was. A file that crashes its worker or makes it hang is
    bad, and costs no other. Where all is cached no process starts, and opensmile,
    soundfile and audresample need not be installed.

    Processes are spawned: a script must call this under `if __name__ == "__main__":`.

    Args:
      utterances: their ids are unique.
      cache_dir: the folder of the cache; it is made where it is missing.
      features: where files hold them, `cache_dir` and `max_seconds` play no part.
      max_seconds: longer utterances are bad.
      workers: number of processes; None for one a core. See `pool` for networks.
      progress: called with 1 whenever an utterance is done.
      with_energy: whether to return the energy of the frames.
      most: see `packed.join`.
      elsewhere: extracts what is not in the cache, instead of processes here.
      in_use: entries of the cache that other extractions of the same program have read,
        and are not to be removed; those of this one are added.

    Raises:
      InputError: features cannot be computed here, or the cache cannot be written.
    """
    utterances, cache_dir = [*utterances], Path(cache_dir)
    described: dict[str, Described] = {}
    how = features, max_seconds, workers, True, elsewhere, in_use
    good = []
    with started(utterances, cache_dir, *how) as sources:
        for source in sources:
            for one in source:
                described[one.utterance.id] = one
                progress(1)
            bad = sum(isinstance(one.features, BadAudio) for one in described.values())
            good.append(len(described) - bad)
    files, reasons = dict[str, packed.Source](), {}
    for utterance in utterances:
        found = described[utterance.id].features
        if isinstance(found, BadAudio):
            reasons[utterance.id] = f"{utterance.file}: {found}"
        else:
            files[utterance.id] = found
    notes = {id: described[id].notes for id in files if described[id].notes}
    joined = packed.join(files, most)
    if features.setup:
        feature_set = cache.identify(features, cache_dir)
    else:
        feature_set = f"{features.id}-{joined.frames.shape[1]}"
    cached, total = good
    told = {id: energy(features, described[id]) for id in files if with_energy}
    known = {id: of for id, of in told.items() if of is not None}
    counts = total - cached, cached
    return Extraction(feature_set, joined, reasons, notes, *counts, known)


@contextmanager
def started(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    features: Features = DEFAULT,
    max_seconds: float = 60.0,
    workers: int | None = None,
    keep: bool = True,
    elsewhere: Elsewhere | None = None,
    in_use: set[Path] | None = None,
) -> Iterator[tuple[Iterable[Described], Iterable[Described]]]:
    """Starts an extraction: workers begin before the caller asks for what they make.

    Args:
      utterances, cache_dir, features, max_seconds, workers: as in `extract`.
      keep: False leaves the cache alone.
      elsewhere, in_use: as in `extract`.

    Yields:
      the utterances whose features are there, and the others as they are done; those
      that are not kept with their features. Raises as `extract` does.
    """
    if features.selected:
        whole, _ = features.selected
        how = cache_dir, whole, max_seconds, workers, keep, elsewhere, in_use
        with started(utterances, *how) as sources:
            there, others = sources
            yield _select(there, features), _select(others, features)
        return
    if not features.setup:
        yield (Described(*one) for one in npy.check(utterances, features.dim)), ()
        return
    if keep:
        there, pending = _look_up(utterances, cache_dir, features, max_seconds)
    else:
        there, pending = [], [(utterance, None) for utterance in utterances]
    used = set() if in_use is None else in_use
    used |= {one.features for one in there if isinstance(one.features, Path)}
    used |= {entry for _, entry in pending if entry}
    if not pending:
        yield there, ()
        return
    if elsewhere:
        answers = elsewhere([job[0] for job in pending], features, max_seconds)
        yield there, _received(answers, pending)
        cache.trim(cache_dir, used)
        return
    with pool.computing(pending, features, max_seconds, workers) as done:
        yield there, (Described(*answer) for answer in done)
    if keep:
        cache.trim(cache_dir, used)


def _look_up(
    utterances: Sequence[Utterance],
    cache_dir: Path,
    features: Features,
    max_seconds: float,
) -> tuple[list[Described], list[Job]]:
    """Returns the utterances that are in the cache or bad, and the others."""
    folder = cache.folder(cache_dir, cache.identify(features, cache_dir))
    digest = once(audio.digest)

    def look_up(utterance: Utterance) -> Described | Job:
        """Returns what is known, or else what is to be done."""
        try:
            content = digest(utterance.file)
            entry = cache.entry(folder, content, utterance.start, utterance.end)
            if not (cached := cache.read(entry)):
                return utterance, entry
            audio.check_length(cached.samples, audio.RATE, max_seconds)
            return Described(utterance, entry, cached.notes)
        except BadAudio as reason:
            return Described(utterance, reason)

    there, pending = list[Described](), list[Job]()
    with ThreadPoolExecutor(cores()) as threads:  # digests and checks run at once
        for one in threads.map(look_up, utterances):
            there.append(one) if isinstance(one, Described) else pending.append(one)
    return there, pending


def _received(
    answers: Iterable[tuple[str, bytes | BadAudio]], pending: Sequence[Job]
) -> Iterator[Described]:
    """Yields what other machines have done, once it is in the cache."""
    jobs = {utterance.id: (utterance, entry) for utterance, entry in pending}
    for id, content in answers:
        utterance, entry = jobs[id]
        if isinstance(content, BadAudio):
            yield Described(utterance, content)
            continue
        assert entry
        cache.store(entry, content)
        kept = cache.read(entry)
        yield Described(utterance, entry, kept.notes if kept else ())


def _select(source: Iterable[Described], features: Features) -> Iterator[Described]:
    assert features.selected
    _, columns = features.selected
    for one in source:
        if isinstance(one.features, np.ndarray):
            energy = features.energy(one.features) if features.energy else None
            yield one._replace(features=one.features[:, columns], energy=energy)
        elif isinstance(one.features, Path):
            yield one._replace(features=packed.Columns(one.features, columns))
        else:
            yield one


def energy(features: Features, described: Described) -> np.ndarray | None:
    """Returns the energy [T] of the frames of an utterance that has features; None
    where these do not tell it."""
    found = described.features
    assert not isinstance(found, BadAudio)
    if isinstance(found, packed.Columns):
        found = found.file
    elif features.selected:
        return described.energy
    return features.energy(packed.load(found)) if features.energy else None
