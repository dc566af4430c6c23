"""Worker processes that leave Ctrl-C to the program that started them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Blocks SIGINT in the processes and threads that start in its body.

    A terminal sends Ctrl-C to workers as well, which would print a traceback each; the
    program is to stop them.
    """
    # Starting the tracker unblocks the signal, so it must not start in the body.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
