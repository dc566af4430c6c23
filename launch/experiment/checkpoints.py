"""What a run directory keeps of its training: finished chunks of trials, and the last
two snapshots of the chunk that is under way. The same command goes on from them."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from launch.experiment import run_dir, sealed, terminal
from vladser.engine import merging, snapshot, trial_batches
from vladser.engine.merging import Results
from vladser.engine.snapshot import Snapshot
from vladser.engine.trial_batches import Chunk


@dataclass
class Figures:
    """What was counted while trials were trained; in seconds."""

    frames: int = 0  # real ones of live training rows
    computed: int = 0  # padding included
    compiling: float = 0.0
    training: float = 0.0
    keeping: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            *(a + b for a, b in zip(astuple(self), astuple(other), strict=True))
        )


class Checkpoints:
    """Those in a folder, which is made; without one, nothing is kept."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        if folder:
            run_dir.make(folder)

    def keep(self, chunk: Chunk, results: Results, figures: Figures) -> None:
        """A finished chunk.

        Raises:
          InputError: it cannot be written.
        """
        if not self.folder:
            return
        path = self.folder / f"{_name(chunk)}.finished"
        sealed.write(path, _head(chunk, figures), merging.pack(chunk, results))
        for file in _snapshots(self.folder, chunk):
            file.unlink(missing_ok=True)

    def finished(
        self, chunk: Chunk
    ) -> tuple[list[tuple[Chunk, Results]], Figures, list[Chunk]]:
        """What of a chunk is finished, in however many pieces and by whichever cut, and
        the chunks of what is not."""
        for outer, figures, body in self._around(chunk, "*.finished"):
            found = merging.part(outer, merging.unpack(body)[1], chunk)
            return [(chunk, found)], figures, []
        if not any(trial_batches.meet(chunk, other) for other in self._kept()):
            return [], Figures(), [chunk]
        parts: list[tuple[Chunk, Results]] = []
        total = Figures()
        missing: list[Chunk] = []
        for half in trial_batches.halves(chunk):
            done, figures, rest = self.finished(half)
            parts, total, missing = parts + done, total + figures, missing + rest
        return parts, total, missing

    def save(self, chunk: Chunk, now: Snapshot, figures: Figures) -> None:
        """A chunk under way; the snapshot before the last is overwritten.

        Raises:
          InputError: it cannot be written.
        """
        if not self.folder:
            return
        older = min(_snapshots(self.folder, chunk), key=_written)
        head = _head(chunk, figures) | {"epoch": now.epoch, "step": now.step}
        sealed.write(older, head, snapshot.pack(now))

    def latest(self, chunk: Chunk) -> tuple[Snapshot, Figures] | None:
        """The last snapshot of a chunk, if it or one around it was saved."""
        found = [
            (trial_batches.part(outer, snapshot.unpack(body), chunk), figures)
            for outer, figures, body in self._around(chunk, "*.snapshot")
        ]
        return max(found, key=lambda one: (one[0].epoch, one[0].step), default=None)

    def clear(self) -> None:
        """Once all chunks are finished no snapshot is of use: not those of chunks that
        were halved, nor what a process that was killed left behind."""
        for file in self.folder.glob("*.snapshot") if self.folder else ():
            file.unlink(missing_ok=True)

    def _kept(self) -> list[Chunk]:
        """The finished chunks that are whole."""
        found = []
        for path in sorted(self.folder.glob("*.finished")) if self.folder else ():
            with suppress(sealed.DamagedError):
                found.append(Chunk(*sealed.read(path)[0]["chunk"]))
        return found

    def _around(
        self, chunk: Chunk, pattern: str
    ) -> Iterator[tuple[Chunk, Figures, bytes]]:
        """What is kept of chunks around one: of itself first, and the figures of no
        other, for they would count twice."""
        if not self.folder:
            return
        own = _name(chunk)
        files = sorted(self.folder.glob(pattern))
        for path in sorted(files, key=lambda path: not path.name.startswith(own)):
            try:
                head, body = sealed.read(path)
            except sealed.DamagedError:
                terminal.say(f"{path} is damaged: its trials are trained again")
                path.unlink(missing_ok=True)
                continue
            outer = Chunk(*head["chunk"])
            if trial_batches.within(chunk, outer):
                same = path.name.startswith(own)
                yield outer, Figures(**head["figures"]) if same else Figures(), body


def _head(chunk: Chunk, figures: Figures) -> dict[str, Any]:
    return {"chunk": _places(chunk), "figures": asdict(figures)}


def _places(chunk: Chunk) -> list[list[int]]:
    return [list(places) for places in chunk]


def _snapshots(folder: Path, chunk: Chunk) -> list[Path]:
    return [folder / f"{_name(chunk)}.{n}.snapshot" for n in (0, 1)]


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _name(chunk: Chunk) -> str:
    return hashlib.sha256(json.dumps(_places(chunk)).encode()).hexdigest()[:16]
