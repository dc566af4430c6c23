"""Columns of another feature set, which cost no extraction of their own."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vladser.contracts import Features


def select(name: str, source: Features, columns: Sequence[int]) -> Features:
    """Returns Features of some columns of those that openSMILE extracts."""
    assert source.setup and source.live
    what = f"{source.id} {[*columns]}".encode()
    return source._replace(
        id=f"{name}-{hashlib.sha256(what).hexdigest()[:8]}",
        dim=len(columns),
        setup=partial(_set_up, source.setup, columns),
        live=partial(_follow, source.live),
        selected=(source, columns),
    )


@dataclass(frozen=True)
class _Extract:
    """The extractor of a selection."""

    whole: Callable[[np.ndarray], np.ndarray]
    columns: Sequence[int]

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        return self.whole(signal)[:, self.columns]


def _set_up(
    setup: Callable[[], Any], columns: Sequence[int]
) -> Callable[[np.ndarray], np.ndarray]:
    return _Extract(setup(), columns)


@contextmanager
def _follow(
    live: Callable[[Any], AbstractContextManager[Any]], extract: _Extract
) -> Iterator["_Live"]:
    with live(extract.whole) as utterance:
        yield _Live(utterance, extract.columns)


@dataclass(frozen=True)
class _Live:
    """A selection of an utterance that is still going on, see `Features.live`."""

    whole: Any
    columns: Sequence[int]

    def push(self, samples: np.ndarray) -> np.ndarray:
        return self.whole.push(samples)[:, self.columns]

    def end(self) -> np.ndarray:
        return self.whole.end()[:, self.columns]
