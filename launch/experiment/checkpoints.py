"""What a run directory keeps of its training: the results of finished batches, and the
last checkpoint of the batch under way. The same command resumes from them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from flax import serialization

from launch.output import terminal
from vladser import files
from vladser.engine.events import Checkpoint
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch


@dataclass
class Figures:
    """Counts and times of training."""

    frames: int = 0  # real ones of live training rows
    computed: int = 0  # padding included
    # Seconds, as those below: from the start of the program to its first step.
    start: float = 0.0
    compiling: float = 0.0
    training: float = 0.0
    keeping: float = 0.0


class Finished(NamedTuple):
    """A batch whose training has ended."""

    batch: TrialBatch
    results: Results
    figures: Figures


class Checkpoints:
    """Keeps files in a folder, which is made; without one, nothing is kept.

    What cannot be written raises InputError; what is damaged is reported and removed.
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        if folder:
            files.make_folder(folder)

    def keep(self, finished: Finished) -> None:
        """Writes a finished batch, and removes its checkpoint."""
        if self.folder:
            name = _name(finished.batch)
            files.write_bytes(self.folder / f"{name}.finished", pack(finished))
            (self.folder / f"{name}.checkpoint").unlink(missing_ok=True)

    def finished(self) -> list[Finished]:
        """Reads the finished batches."""
        paths = sorted(self.folder.glob("*.finished")) if self.folder else []
        return [finished for path in paths if (finished := _read(path, unpack))]

    def save(self, batch: TrialBatch, now: Checkpoint, figures: Figures) -> None:
        """Writes the checkpoint of a batch in place of the one before."""
        if self.folder:
            path = self.folder / f"{_name(batch)}.checkpoint"
            files.write_bytes(path, _pack(now, figures=asdict(figures)))

    def latest(self, batch: TrialBatch) -> tuple[Checkpoint, Figures] | None:
        """Reads the last checkpoint of a batch, if there is one."""
        path = self.folder and self.folder / f"{_name(batch)}.checkpoint"
        return _read(path, _checkpoint) if path and path.exists() else None

    def clear(self) -> None:
        """Removes all checkpoints: once all batches have finished none is of use."""
        for file in self.folder.glob("*.checkpoint") if self.folder else ():
            file.unlink(missing_ok=True)


def pack(finished: Finished) -> bytes:
    """Returns a finished batch as bytes, to be kept or sent to another process."""
    batch, results, figures = finished
    return _pack(results, batch=[*map(list, batch)], figures=asdict(figures))


def unpack(packed: bytes) -> Finished:
    """Returns the finished batch that `pack` was given."""
    fields, head = _unpack(packed)
    batch, figures = TrialBatch(*head["batch"]), Figures(**head["figures"])
    return Finished(batch, Results(**fields), figures)


def _checkpoint(packed: bytes) -> tuple[Checkpoint, Figures]:
    fields, head = _unpack(packed)
    return Checkpoint(**fields), Figures(**head["figures"])


def _pack(fields: Any, **head: Any) -> bytes:
    """Returns a NamedTuple of arrays, and a head, behind their digest."""
    content = serialization.msgpack_serialize([fields._asdict(), head])
    return hashlib.sha256(content).digest() + content


def _unpack(packed: bytes) -> list[dict[str, Any]]:
    digest, content = packed[:32], packed[32:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("damaged")
    return serialization.msgpack_restore(content)


def _read(path: Path, unpacked: Callable[[bytes], Any]) -> Any:
    try:
        return unpacked(path.read_bytes())
    except (OSError, ValueError, TypeError):  # TypeError: of another version
        terminal.say(f"{path} is damaged: its trials are trained again")
        path.unlink(missing_ok=True)
        return None


def _name(batch: TrialBatch) -> str:
    return hashlib.sha256(json.dumps([*map(list, batch)]).encode()).hexdigest()[:16]
