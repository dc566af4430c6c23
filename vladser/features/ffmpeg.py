"""Films, and other containers that libsndfile does not read, decoded by ffmpeg."""

import errno
import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO

from vladser.errors import InputError
from vladser.features.opening import BadAudio

SUFFIXES = frozenset(
    (".3gp", ".aac", ".avi", ".m4a", ".mkv", ".mov", ".mp4", ".webm", ".wma")
)
# ffmpeg's names of containers, and what their files begin with. It is told which one,
# so that no file makes it open others, as a list of files to play would.
_CONTAINERS = {
    "mov": rb".{4}(?:ftyp|moov|mdat|wide|free|skip|pnot)",  # mp4, m4a, 3gp, too
    "avi": rb"RIFF.{4}AVI ",
    "matroska": rb"\x1aE\xdf\xa3",  # webm, too
    "asf": rb"0&\xb2u\x8ef\xcf\x11",  # wma
    "aac": rb"\xff[\xf0\xf1\xf8\xf9]",  # without a container
}
_SECONDS = 60  # as long as it may take
_LARGEST = 1 << 32  # bytes, as floats: each worker keeps as much on the disk
# It says so of files that are cut short, and succeeds.
_CUT_SHORT = re.compile("ended prematurely|partial file")
_FULL = os.strerror(errno.ENOSPC)
_NOT_HEARD = ("FFREPORT", "AV_LOG_")  # would write a file, or colours
_STREAM = 0x7FFFF000  # bytes, see `decoding`


def decoded(file: Path, handle: BinaryIO) -> BinaryIO | None:
    """Decodes the first sound track of a container.

    Args:
      file: its path; `handle` is of the same file, opened.

    Returns:
      an AU file of floats at the file's own rate and channels, to be read from its
      beginning; None for what is no such container.

    Raises:
      BadAudio: it has no sound, is cut short or cannot be decoded.
      InputError: ffmpeg is not installed, or the disk is full.
    """
    status, head = os.fstat(handle.fileno()), os.pread(handle.fileno(), 16, 0)
    for container, beginning in _CONTAINERS.items():
        if re.match(beginning, head, re.DOTALL):
            promised = int.from_bytes(head[4:8], "little") + 8
            if container == "avi" and status.st_size < promised < _STREAM:
                share = 100 * status.st_size / promised
                raise BadAudio(f"is cut short: {share:.1f} % is there")
            sound = _decode(file, container, status.st_size, status.st_mtime_ns)
            os.lseek(sound.fileno(), 0, os.SEEK_SET)
            return sound
    return None


@lru_cache(maxsize=1)  # of several segments of a file, or windows
def _decode(file: Path, container: str, size: int, changed: int) -> BinaryIO:
    """Returns the decoded file; its size and time tell it from others of its name."""
    given = ["-protocol_whitelist", "file", "-f", container, "-i", f"file:{file}"]
    made = ["-map", "0:a:0?", "-fs", f"{_LARGEST}", "-f", "au"]
    made += ["-c:a", "pcm_f32be", "pipe:1"]
    # -timelimit ends it, too, where this process is killed.
    how = ["-nostdin", "-v", "error", "-xerror", "-timelimit", f"{_SECONDS}"]
    sound = TemporaryFile()  # noqa: SIM115 (open as long as it is in the cache)
    try:
        done = subprocess.run(
            ["ffmpeg", *how, "-threads", "1", *given, *made],
            stdin=subprocess.DEVNULL,
            stdout=sound,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
            env={k: v for k, v in os.environ.items() if not k.startswith(_NOT_HEARD)},
        )
    except FileNotFoundError:
        raise InputError(
            f"{file}: needs ffmpeg, which is not installed: install it, for example by "
            "apt install ffmpeg, or convert the file to wav or flac"
        ) from None
    except OSError as error:
        raise InputError(f"ffmpeg cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise BadAudio(f"takes ffmpeg more than {_SECONDS} s: cut it up") from None
    said = done.stderr.decode(errors="replace")
    if _FULL in said:  # no fault of the file
        raise InputError(f"{file}: cannot be decoded into {gettempdir()}: {_FULL}")
    if os.fstat(sound.fileno()).st_size >= _LARGEST:
        raise BadAudio(f"is more than {_LARGEST / 1e9:.1f} GB as floats: cut it up")
    if "does not contain any stream" in said:
        raise BadAudio("has no sound track")
    if _CUT_SHORT.search(said):
        raise BadAudio("is cut short, as ffmpeg says")
    if done.returncode:
        last = " ".join(
            (said.splitlines() or [f"status {done.returncode}"])[-1].split()
        )
        reason = re.sub(r"^\[[^]]*\] ", "", last).replace(f"file:{file}: ", "")
        raise BadAudio(f"cannot be decoded by ffmpeg: {reason}")
    return sound
