"""Opens files to read from, and says what is wrong with those that cannot be used."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from vladser.errors import InputError


class BadAudio(InputError):
    """An utterance without usable audio or features; the message is the reason alone,
    to which the file's name is added."""


@contextmanager
def readable(file: Path) -> Iterator[BufferedReader]:
    """Opens a file to read from; raises BadAudio where that fails."""
    if "\0" in str(file):
        raise BadAudio("is no file: its name holds a NUL")
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for ever
            raise BadAudio("is a folder or a device: expected a file")
        with file.open("rb") as handle:
            yield handle
    except OSError as error:
        raise BadAudio(f"cannot be read: {error.strerror}") from None
