"""Stops a program by Ctrl-C (SIGINT), by a job scheduler's SIGTERM or the warning that
some send before it (SIGUSR1, SIGUSR2, SIGXCPU), or by SIGHUP, when a terminal closes.

Signals raise nothing. A thread waits for them and ends the process by `os._exit`: at
once or, while work is `deferred`, when that has saved its state. So no exception is
raised inside a library that does not expect one, and the interpreter is not finalized
while threads of C libraries run. The disk is left as by SIGKILL, which the next start
has to handle anyway.
"""

import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

# Schedulers kill ten seconds after SIGTERM. Until then, in seconds:
PATIENCE = 7.0  # for deferred work to save its state
_FAREWELL = 2.0  # for standard output to be flushed
_SIGNALS = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU),
)


class Stopped(KeyboardInterrupt):
    """The process is told to stop, and is ready to."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number  # as shells report it


class _State:
    """The state of the process."""

    listening = False
    asked: int | None = None  # the signal
    deferring = False


_ending = threading.Lock()


def listen() -> None:
    """Handles the signals. Call it in the main thread, before a program's imports."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # C code writes to the pipe, even while the main thread waits for a compiler.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _SIGNALS:
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, lambda number, frame: None)  # and nohup is heard
    # Ctrl-C reaches all processes of a terminal. Children inherit that it is blocked:
    # this process ends them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # Silences the tracker that removes the semaphores of terminated workers.
    sys.warnoptions.append("ignore:resource_tracker")
    _State.listening = True
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()


def listening() -> bool:
    """Returns whether signals are handled here."""
    return _State.listening


def asked() -> bool:
    """Returns whether the process was told to stop."""
    return _State.asked is not None


@contextmanager
def deferred() -> Iterator[None]:
    """Lets work end by itself when it is `asked` to; then raises Stopped."""
    _State.deferring = True
    try:
        yield
    finally:
        _State.deferring = False
    if asked():
        assert _State.asked
        raise Stopped(_State.asked)


def leave(status: int) -> NoReturn:
    """Ends a program with this exit status, unless it was told to stop."""
    # Everything has been written: ignore signals during shutdown.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if _State.asked:
        _end(Stopped(_State.asked))
    _ending.acquire()  # never released: a signal that came just now is too late
    gc.freeze()  # otherwise searching jax for garbage takes 0.2 s
    sys.exit(status)


def _watch(pipe: int) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    (number,) = os.read(pipe, 1)
    deferring, _State.asked = _State.deferring, number
    if deferring:
        select.select([pipe], [], [], PATIENCE)  # a second signal ends the wait
    _end(Stopped(number))


def _end(stopped: Stopped) -> NoReturn:
    with _ending:  # a second thread waits here until the first ends the process
        farewell = threading.Thread(target=_farewell, daemon=True)
        with suppress(RuntimeError):  # no more threads can be started
            farewell.start()
            farewell.join(_FAREWELL)
        with suppress(OSError):
            if select.select([], [2], [], 0)[1]:  # writing does not block
                erase = "\r\x1b[K" if os.isatty(2) else ""  # a progress bar
                os.write(2, f"{erase}interrupted\n".encode())
        _terminate_children()
        os._exit(stopped.status)


def _farewell() -> None:
    with suppress(Exception):  # the reader has left, or does not read
        sys.stdout.flush()


def _terminate_children() -> None:
    """Terminates all child processes, which only Linux lists."""
    for children in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGTERM)
