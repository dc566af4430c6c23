"""Sound files as they decode. What a header says of a length is a promise: an MP3
without one is estimated from its first frame, a file may end before it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from vladser import libraries
from vladser.features import ffmpeg
from vladser.features.opening import BadAudio, readable

_BLOCK = 1 << 14  # frames decoded at once: bounds the memory of many channels
# Samples to decode before those that are wanted: frames of an MP3 draw on up to 511
# bytes of those before (ISO 11172-3, 2.4.1.7), 14 frames of 576 at 8 kbit/s.
_LEAD = 1 << 14
_STREAM = 0x7FFFF000  # bytes: what writes to a pipe promises that much, or more
# What libsndfile's log says of the bytes of samples that a header promises, and, of
# some containers, how many there should be for the file to hold them.
_PROMISE = re.compile(
    r"^ *(?:data|SSND|BODY|Data [Ss]ize|Data length|Extended II|Type : \w+ +Size"
    r"|.* truncated\. \d+ <-->)(?: *: | )(\d+)\b(?: \(?should be (\d+))?",
    re.MULTILINE,
)
_OVERHEAD = {"AIFF": 8, "W64": 24, "VOC": 12}  # bytes that are promised, but no samples


class Sound(NamedTuple):
    """An open sound file; see `opened`.

    Attributes:
      decoder: a soundfile.SoundFile.
      rate: frames a second.
      frames: how many there should be: those that the header promises or, where it
        counts none, those that decode. An Ogg file promises nothing.
      held: of them, those for which the file is long enough.
      floats: whether its samples were stored as floats, and may exceed full scale.
    """

    decoder: Any
    rate: int
    frames: int
    held: int
    floats: bool

    def blocks(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Yields the frames of a segment that decode, float32 [n, channels]."""
        lead = min(first, _LEAD) if self.decoder.subtype.startswith("MPEG") else 0
        if self.decoder.seeks():
            self.decoder.seek(first - lead)
        else:  # telephone codecs
            lead = first
        for block in _decode(self.decoder, last - first + lead):
            if len(block) > lead:
                yield block[lead:]
            lead = max(lead - len(block), 0)


@contextmanager
def opened(file: Path) -> Iterator[Sound]:
    """Opens a sound file, of whatever name, in any format of libsndfile, or a container
    that ffmpeg decodes.

    Raises:
      BadAudio: there is no such file, or it cannot be decoded; also while frames are
        decoded.
      InputError: libsndfile cannot be loaded, or ffmpeg is needed and not there.
    """
    soundfile = libraries.load("soundfile")
    try:
        with readable(file) as original:
            converted = ffmpeg.decoded(file, original)
            handle = converted or original
            with _decoder(handle) as decoder:
                status, rate = os.fstat(handle.fileno()), decoder.samplerate
                frames = held = decoder.frames
                in_wav = decoder.format != "MP3" and decoder.subtype.startswith("MPEG")
                unknown = in_wav or not _counted(handle, decoder)
                if unknown or frames > status.st_size * rate:
                    # No codec takes less than a byte a second.
                    frames = held = _count(file, status.st_size, status.st_mtime_ns)
                elif held:
                    frames = max(held, _promised(handle, decoder, status.st_size))
                floats = not converted and decoder.subtype in ("FLOAT", "DOUBLE")
                yield Sound(decoder, rate, frames, held, floats)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip(" .\n")
        raise BadAudio(
            f"is not audio that libsndfile can read, or cut short: {reason}"
        ) from None


@contextmanager
def _decoder(handle: BinaryIO) -> Iterator[Any]:
    # By descriptor: libsndfile trusts the extension of a path (.raw, .au).
    with _reader()(handle.fileno(), closefd=False) as decoder:
        if not (view := _view(handle, decoder)):
            yield decoder
            return
    with _reader()(view) as decoder:
        yield decoder


def _view(handle: BinaryIO, decoder: Any) -> "_View | None":
    """Returns how a file has to look for libsndfile to decode all of it."""
    if not _counted(handle, decoder):
        return _View(handle, longer=1 << 40)
    if decoder.frames or not decoder.format.startswith(("WAV", "AU")):
        return None
    # A size of 0: what wrote a stream did not come back to it. Behind a chunk that is
    # really empty there may be another, which begins with four letters.
    head = os.pread(handle.fileno(), 1 << 12, 0)
    place = 8 if decoder.format == "AU" else head.find(b"data\0\0\0\0") + 4
    name, size = head[place + 4 : place + 8], head[place + 8 : place + 12]
    left = os.fstat(handle.fileno()).st_size - place - 12
    if place < 8 or (
        decoder.format != "AU"
        and all(32 <= letter < 127 for letter in name)
        and int.from_bytes(size, "little") <= left
    ):
        return None
    return _View(handle, place, b"\xff\xff\xff\xff")


@cache
def _reader() -> type:
    soundfile = libraries.load("soundfile")

    class Reader(soundfile.SoundFile):  # type: ignore[name-defined]
        def seekable(self) -> bool:
            """Says no: soundfile would seek after each block, which some decoders
            cannot do at the end, and take the header's length for the file's."""
            return False

        def seeks(self) -> bool:
            return super().seekable()

    return Reader


class _View(RawIOBase):
    """A file that seems to be longer, beyond which libsndfile does not decode what it
    estimates from the length; or that seems to hold other bytes at a place."""

    def __init__(
        self,
        handle: BinaryIO,
        place: int = 0,
        patch: bytes = b"",
        longer: int = 0,
    ):
        self._handle, self._patched, self._patch = handle, place, patch
        self._size = os.fstat(handle.fileno()).st_size + longer
        self._end = self._size - 128 if longer else self._size
        self._place = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._end:  # where libsndfile looks for the tag of an MP3
            content = bytearray(len(buffer))
        else:
            read = os.pread(self._handle.fileno(), len(buffer), self._place)
            content = bytearray(read)
            if content and self._end < self._size:
                # An MP3's last frame that is cut short would be an error.
                content = content.ljust(len(buffer), b"\0")
        for at, byte in enumerate(self._patch, self._patched - self._place):
            if 0 <= at < len(content):
                content[at] = byte
        buffer[: len(content)] = bytes(content)
        self._place += len(content)
        return len(content)


def _decode(decoder: Any, frames: int) -> Iterator[np.ndarray]:
    """Yields blocks of the next frames, as far as there are any."""
    while frames > 0:
        block = decoder.read(min(frames, _BLOCK), dtype="float32", always_2d=True)
        if not len(block):
            return
        frames -= len(block)
        yield block


@lru_cache(maxsize=64)
def _count(file: Path, size: int, changed: int) -> int:
    """Returns the frames that decode; its size and time tell the file from others."""
    with readable(file) as handle, _decoder(handle) as decoder:
        most = min(decoder.frames, size * decoder.samplerate)
        return sum(map(len, _decode(decoder, most)))


def _counted(handle: BinaryIO, decoder: Any) -> bool:
    """Whether the header counts the frames: an MP3's only in a Xing or VBRI frame."""
    if decoder.format != "MP3":
        return True
    place = 0
    while (head := os.pread(handle.fileno(), 10, place)).startswith(b"ID3"):
        sizes = zip(head[6:], (21, 14, 7, 0), strict=False)
        place += 10 + sum(size << shift for size, shift in sizes)
    first = os.pread(handle.fileno(), 1 << 12, place)
    # In the frame, behind its header of 4 bytes and 9 to 32 of others; bit 0 of the
    # flags says that it has a count.
    counts = rb"\xff[\xe0-\xff].{11,38}?(VBRI|(?:Xing|Info)...(.))"
    found = re.search(counts, first, re.DOTALL)
    return found is not None and (found[1] == b"VBRI" or found[2][0] % 2 == 1)


def _promised(handle: BinaryIO, decoder: Any, size: int) -> int:
    """Returns the frames that a header promises, 0 where it promises none."""
    log, kind, held = decoder.extra_info, decoder.format, decoder.frames
    if kind == "NIST":
        counts = re.findall(
            rb"sample_count -i (\d+)", os.pread(handle.fileno(), 1024, 0)
        )
        return int(counts[0]) if counts else 0
    if kind in ("AVR", "MPC2K"):
        return max(map(int, re.findall(r"Frames +: (\d+)", log)), default=0)
    promises = [(int(all), int(there or size)) for all, there in _PROMISE.findall(log)]
    promised, there = max(promises, default=(0, 0))
    if not there < promised < _STREAM:
        return 0
    overhead = _OVERHEAD.get(kind, 0)
    width = (there - overhead) / held  # bytes a frame, and some of the header's
    return round((promised - overhead) / (round(width) if width >= 1 else width))
