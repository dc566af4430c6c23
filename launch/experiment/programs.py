"""Compiled programs that jax keeps: what is not as it was written is removed.

jax notices damage where it compresses them by zlib, though it never mends it. Where the
package zstandard is installed, and from Python 3.14 on, there is no checksum: a flipped
bit makes the program crash, or compute something else.
"""

import re
from contextlib import suppress
from pathlib import Path

import jax

from vladser import files

_PROGRAMS = "*-cache"
_LINE = re.compile(r"^([0-9a-f]{64})  (\S+)$", re.MULTILINE)
_COMPILED = "/jax/core/compile/backend_compile_duration"


def guard(folder: Path) -> None:
    """Removes the programs in `folder` that are not as SHA256SUMS in it says, and adds
    to that file whatever jax compiles and keeps there from now on.

    Raises:
      OSError: what is there cannot be read or removed: it should not be used.
    """
    sums = folder / files.SUMS
    text = sums.read_text(encoding="ascii", errors="replace") if sums.exists() else ""
    known = {name: digest for digest, name in _LINE.findall(text)}
    for program in folder.glob(_PROGRAMS):
        with suppress(FileNotFoundError):  # another process was faster
            if known.get(program.name) != files.digest(program):
                known.pop(program.name, None)
                program.unlink()

    def note(event: str, duration_secs: float, **_: str | int) -> None:
        if event != _COMPILED:
            return
        # Without a line of its own a program is compiled again: that only takes time.
        with suppress(OSError):
            for program in folder.glob(_PROGRAMS):
                if program.name not in known:
                    known[program.name] = files.digest(program)
                    with sums.open("a", encoding="ascii") as file:
                        file.write(f"{known[program.name]}  {program.name}\n")

    jax.monitoring.register_event_duration_secs_listener(note)
