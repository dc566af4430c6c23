"""Stops a program by Ctrl-C (SIGINT), or by a job scheduler's SIGTERM.

Signals raise nothing. A thread waits for them and ends the process by `os._exit`: at
once or, while the work is in `deferred`, once that has saved what is under way. So no
exception comes up inside a library that does not expect one, and a program that was
told to stop never runs the interpreter down while threads of C libraries are at work.
What lies on disk is what SIGKILL would leave there, which the next start deals with.
"""

import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

PATIENCE = 7.0  # seconds that work in `deferred` has to save
_FAREWELL = 2.0  # seconds to flush what was printed, and to tell others
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The process was told to stop, and is ready to."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number  # as a shell says it


class _State:
    """Of the process, as signals are."""

    listening = False
    asked: int | None = None  # the signal
    deferring = False
    last_words: list[Callable[[Stopped], object]]


_State.last_words = []
_ending = threading.Lock()


def listen() -> None:
    """Takes the signals over, in the main thread of a program, before its imports."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # C code writes to the pipe, also while the main thread waits for a compiler.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, lambda number, frame: None)
    # Ctrl-C reaches all processes of a terminal. Those that begin here inherit that it
    # is blocked: it is for this one to end them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # Of the semaphores of workers that are ended on the spot, which it removes.
    sys.warnoptions.append("ignore:resource_tracker")
    _State.listening = True
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()


def listening() -> bool:
    """Returns whether a signal would end the process here."""
    return _State.listening


def asked() -> bool:
    """Returns whether the process was told to stop."""
    return _State.asked is not None


@contextmanager
def deferred() -> Iterator[None]:
    """Lets the work in here end by itself: it looks at `asked`.

    Raises:
      Stopped: at its end, where the process was told to stop.
    """
    _State.deferring = True
    try:
        yield
    finally:
        _State.deferring = False
    if asked():
        now()


def now() -> NoReturn:
    """Raises Stopped."""
    assert _State.asked is not None  # see `asked`
    raise Stopped(_State.asked)


def before_end(tell: Callable[[Stopped], object]) -> None:
    """Has `tell` called, in some thread, when a signal ends the process."""
    _State.last_words.append(tell)


def leave(status: int) -> NoReturn:
    """Ends a program that has printed all that it has to say, with this exit status
    unless it was told to stop."""
    # All is written: from here on a signal could only spoil the end.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if _State.asked:
        _end(Stopped(_State.asked))
    _ending.acquire()  # for good: one that came just now is too late
    gc.freeze()  # or the end takes 0.2 s, to search jax for garbage
    sys.exit(status)


def _watch(pipe: int) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    (number,) = os.read(pipe, 1)
    deferring, _State.asked = _State.deferring, number
    if deferring:
        select.select([pipe], [], [], PATIENCE)  # a second signal ends the patience
    _end(Stopped(number))


def _end(stopped: Stopped) -> NoReturn:
    with _ending:  # the second thread that comes here ends with the first
        farewell = threading.Thread(target=_farewell, args=(stopped,), daemon=True)
        with suppress(RuntimeError):  # threads that can begin no more
            farewell.start()
            farewell.join(PATIENCE if _State.last_words else _FAREWELL)
        with suppress(OSError):
            if select.select([], [2], [], 0)[1]:  # somebody reads it
                erase = "\r\x1b[K" if os.isatty(2) else ""  # a progress bar
                os.write(2, f"{erase}interrupted\n".encode())
        _terminate_children()
        os._exit(stopped.status)


def _farewell(stopped: Stopped) -> None:
    for tell in _State.last_words:
        with suppress(Exception):
            tell(stopped)
    with suppress(Exception):  # a reader that has left, or does not read
        sys.stdout.flush()


def _terminate_children() -> None:
    """Ends workers, whichever library started them; what Linux alone lists."""
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGTERM)
