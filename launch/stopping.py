"""Being told to stop: by Ctrl-C (SIGINT), or by a job scheduler (SIGTERM).

The first signal raises Stopped: at once or, within `deferred`, when the work asks for
it, so that what is under way can be saved first. A second one ends the process on the
spot, and so does the first after some seconds, for a compiler does not listen.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 9.0  # seconds
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The process was told to stop."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number  # as a shell says it


class _State:
    """Of the process, as signals are."""

    asked: int | None = None  # the signal
    deferring = False
    again = False  # whether the next signal is our own


def listen() -> None:
    """Takes the signals over, in the main thread of a program."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # The interpreter writes to the pipe also while it waits for a compiler.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()
    for number in _SIGNALS:
        signal.signal(number, _handle)
    sys.unraisablehook = _raise_later
    atexit.register(_ignore)


def asked() -> bool:
    """Whether the process was told to stop."""
    return _State.asked is not None


@contextmanager
def deferred() -> Iterator[None]:
    """In here a signal raises nothing: the work looks at `asked`, and calls `now` when
    it is ready."""
    _State.deferring = True
    try:
        yield
    finally:
        _State.deferring = False


def now() -> None:
    """Raises Stopped."""
    raise Stopped(_State.asked)


def _handle(number: int, frame: object) -> None:
    if not asked():
        _State.asked = number
        if not _State.deferring:
            now()


def _ignore() -> None:
    """When the interpreter ends, with all written, a signal could but crash it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _raise_later(lost: Any) -> None:
    """Callbacks from C, such as jax's at a garbage collection, raise nothing: a signal
    that came in one is sent again."""
    if not isinstance(lost.exc_value, Stopped):
        sys.__unraisablehook__(lost)
        return
    number, _State.asked, _State.again = _State.asked, None, True
    main = threading.main_thread().ident  # which may sleep
    timer = threading.Timer(0.05, signal.pthread_kill, [main, number])
    timer.daemon = True
    timer.start()


def _watch(pipe: int) -> None:
    (number,) = os.read(pipe, 1)
    timer = threading.Timer(PATIENCE, os._exit, [128 + number])
    timer.daemon = True
    timer.start()
    (number,) = os.read(pipe, 1)
    while _State.again:
        _State.again = False
        (number,) = os.read(pipe, 1)
    os._exit(128 + number)
