"""Follows live audio: at regular intervals, what the model says of it."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

import numpy as np

from vladser.features import audio
from vladser.features.audio import RATE
from vladser.models import inference
from vladser.models.bundle import Bundle


class Result(NamedTuple):
    """What the model says of an utterance at some time of the stream."""

    start: float  # of the utterance, in seconds of the stream
    time: float  # seconds of the stream so far
    final: bool  # whether the utterance ends there, and all its frames count
    probabilities: np.ndarray  # [classes] float32, NaN of one that is silent to its end

    @property
    def silent(self) -> bool:
        """Whether all of the utterance was silent."""
        return bool(np.isnan(self.probabilities).any())


def follow(
    bundle: Bundle,
    live: Callable[[], AbstractContextManager[Any]],
    chunks: Iterable[np.ndarray],
    every: float,
    utterance: float,
) -> Generator[Result, None, None]:
    """Yields results in the order of time, each as soon as its last sample is there.

    The stream is cut into utterances, each of which is a signal by itself to the
    features and to the model. Results do not depend on the sizes of chunks. Before the
    first frame of an utterance is final, or a sound in it, there is no result; one that
    is silent to its end has a final one that says so.

    Args:
      bundle: a model that can stream.
      live: starts an utterance of its features, see `contracts.Features.live`.
      chunks: int16 samples at 16 kHz.
      every: seconds from one result of an utterance to the next.
      utterance: seconds after which a new utterance begins.
    """
    hop, longest = round(every * RATE), round(utterance * RATE)
    begun = 0  # samples of the stream before this utterance
    with ExitStack() as stack:
        current = None
        for chunk in chunks:
            while len(chunk):
                if current is None:
                    signal = stack.enter_context(live())
                    current = _Utterance(bundle, signal, begun)
                room = min(hop - current.samples % hop, longest - current.samples)
                current.push(chunk[:room])
                chunk = chunk[room:]
                if current.samples == longest:
                    yield from current.result(final=True)
                    stack.close()
                    begun, current = begun + longest, None
                elif current.samples % hop == 0:
                    yield from current.result()
        if current:
            yield from current.result(final=True)


def warm_up(bundle: Bundle) -> None:
    """Compiles what `follow` calls, so that a microphone need not wait for it."""
    frames, mask = np.zeros((1, 1, len(bundle.mean)), np.float32), np.ones((1, 1), bool)
    walk = inference.advance(bundle, inference.start(bundle, 1), frames, mask)
    inference.finish(bundle, walk)


class _Utterance:
    """An utterance whose frames go to the model as they arrive."""

    def __init__(self, bundle: Bundle, signal: Any, begun: int):
        self.samples = self._frames = 0
        self._lowest, self._highest = np.inf, -np.inf
        self._begun, self._signal = begun, signal
        self._bundle, self._walk = bundle, inference.start(bundle, 1)

    def push(self, samples: np.ndarray) -> None:
        self.samples += len(samples)
        self._lowest = min(self._lowest, samples.min() / 32768)
        self._highest = max(self._highest, samples.max() / 32768)
        self.advance(self._signal.push(samples))

    def result(self, final: bool = False) -> Iterator[Result]:
        """Yields the result, or none before there is a frame and a sound."""
        if final:
            self.advance(self._signal.end())
        start, time = self._begun / RATE, (self._begun + self.samples) / RATE
        silent = audio.silent(self._lowest, self._highest)
        if self._frames and not silent:
            (values,) = inference.finish(self._bundle, self._walk).probabilities
            yield Result(start, time, final, values)
        elif self._frames and final:
            nothing = np.full(len(self._bundle.emotions), np.nan, np.float32)
            yield Result(start, time, final, nothing)

    def advance(self, frames: np.ndarray) -> None:
        self._frames += len(frames)
        mask = np.ones((len(frames), 1), bool)
        self._walk = inference.advance(self._bundle, self._walk, frames[:, None], mask)
