"""From live audio to what the model makes of it, every so often."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

import numpy as np

from vladser.features.audio import RATE
from vladser.models import inference
from vladser.models.bundle import Bundle


class Result(NamedTuple):
    """What is known of an utterance at some time of the stream.

    Attributes:
      start: when the utterance began, in seconds of audio since the stream did.
      time: how much of the stream has been heard.
      final: whether the utterance ends there: then all of its frames are in it.
      probabilities: [classes].
    """

    start: float
    time: float
    final: bool
    probabilities: np.ndarray


def results(
    bundle: Bundle,
    live: Callable[[], AbstractContextManager[Any]],
    chunks: Iterable[np.ndarray],
    every: float,
    utterance: float,
) -> Generator[Result, None, None]:
    """Follows a stream.

    Utterances are cut from it one after another, each a signal of its own for the
    features as for the model. How the stream came in chunks changes nothing.

    Args:
      bundle: a model that can stream.
      live: begins an utterance of its features, see `types.Features.live`.
      chunks: int16 samples at 16 kHz.
      every: seconds of an utterance from result to result.
      utterance: seconds after which a new one begins.

    Yields:
      results in time order, each as soon as the chunk with its last sample came. Before
      the first frame is final there is none.
    """
    hop, longest = round(every * RATE), round(utterance * RATE)
    begun = 0  # samples of the stream before this utterance
    with ExitStack() as stack:
        one = None
        for chunk in chunks:
            while len(chunk):
                if one is None:
                    one = _Utterance(bundle, stack.enter_context(live()), begun)
                room = min(hop - one.samples % hop, longest - one.samples)
                one.hear(chunk[:room])
                chunk = chunk[room:]
                if one.samples == longest:
                    yield from one.result(final=True)
                    stack.close()
                    begun, one = begun + longest, None
                elif one.samples % hop == 0:
                    yield from one.result()
        if one:
            yield from one.result(final=True)


def warm_up(bundle: Bundle) -> None:
    """Compiles what `results` will call, lest a microphone should wait for it."""
    frame = np.zeros((1, 1, len(bundle.mean)), np.float32)
    walk = inference.advance(
        bundle, inference.start(bundle, 1), frame, np.ones((1, 1), bool)
    )
    inference.finish(bundle, walk)


class _Utterance:
    """The frames of an utterance go to the model as they come."""

    def __init__(self, bundle: Bundle, live: Any, begun: int):
        self.samples = self._frames = 0
        self._begun, self._live = begun, live
        self._bundle, self._walk = bundle, inference.start(bundle, 1)

    def hear(self, samples: np.ndarray) -> None:
        self.samples += len(samples)
        self._see(self._live.push(samples))

    def result(self, final: bool = False) -> Iterator[Result]:
        """One, or none before there is a frame."""
        if final:
            self._see(self._live.end())
        if self._frames:
            (probabilities,) = inference.finish(self._bundle, self._walk).probabilities
            heard = self._begun + self.samples
            yield Result(self._begun / RATE, heard / RATE, final, probabilities)

    def _see(self, frames: np.ndarray) -> None:
        self._frames += len(frames)
        mask = np.ones((len(frames), 1), bool)
        self._walk = inference.advance(self._bundle, self._walk, frames[:, None], mask)
