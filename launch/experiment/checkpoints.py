"""What a run directory keeps of its training: the results of finished batches, and the
last checkpoint of each batch under way. The same command resumes from them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from flax import serialization

from launch.output import terminal
from launch.output.provenance import Machine
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
    machine: Machine  # that trained it


class Checkpoints:
    """Keeps files in a folder, which is made.

    What cannot be written raises InputError; what is damaged is reported and removed.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        files.make_folder(folder)
        begun = (_read(path, _begun) for path in sorted(folder.glob("*.checkpoint")))
        self._begun = {name(batch): batch for batch in begun if batch}

    @property
    def begun(self) -> list[TrialBatch]:
        """The batches that have a checkpoint."""
        return [*self._begun.values()]

    def keep(self, finished: Finished) -> None:
        """Writes a finished batch, and removes its checkpoint."""
        path = self.folder / f"{name(finished.batch)}.finished"
        files.write_bytes(path, pack(finished))
        self.remove(finished.batch)

    def finished(self) -> list[Finished]:
        """Reads the finished batches."""
        paths = sorted(self.folder.glob("*.finished"))
        return [finished for path in paths if (finished := _read(path, unpack))]

    def save(self, batch: TrialBatch, now: Checkpoint, figures: Figures) -> None:
        """Writes the checkpoint of a batch in place of the one before."""
        head = {"batch": [*map(list, batch)], "figures": asdict(figures)}
        files.write_bytes(self._path(batch), _pack(now, **head))
        self._begun[name(batch)] = batch

    def latest(self, batch: TrialBatch) -> tuple[Checkpoint, Figures] | None:
        """Reads the last checkpoint of a batch, if there is one."""
        path = self._path(batch)
        found = _read(path, _checkpoint) if path.exists() else None
        if found is None:
            self._begun.pop(name(batch), None)
        return found

    def remove(self, batch: TrialBatch) -> None:
        """Removes the checkpoint of a batch, if there is one."""
        self._path(batch).unlink(missing_ok=True)
        self._begun.pop(name(batch), None)

    def _path(self, batch: TrialBatch) -> Path:
        return self.folder / f"{name(batch)}.checkpoint"


def pack(finished: Finished) -> bytes:
    """Returns a finished batch as bytes."""
    batch, results, figures, machine = finished
    head = {"batch": [*map(list, batch)], "figures": asdict(figures)}
    return _pack(results, **head, machine=machine._asdict())


def unpack(packed: bytes) -> Finished:
    """Returns the finished batch that `pack` was given."""
    fields, head = _unpack(packed)
    batch, figures = TrialBatch(*head["batch"]), Figures(**head["figures"])
    return Finished(batch, Results(**fields), figures, Machine(**head["machine"]))


def name(batch: TrialBatch) -> str:
    """Returns a name of the batch that no other batch of its experiment has."""
    return hashlib.sha256(json.dumps([*map(list, batch)]).encode()).hexdigest()[:16]


def _checkpoint(packed: bytes) -> tuple[Checkpoint, Figures]:
    fields, head = _unpack(packed)
    return Checkpoint(**fields), Figures(**head["figures"])


def _begun(packed: bytes) -> TrialBatch:
    return TrialBatch(*_unpack(packed)[1]["batch"])


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
    except (OSError, ValueError, TypeError, LookupError):  # of another version, too
        terminal.say(f"{path} is damaged: its trials are trained again")
        path.unlink(missing_ok=True)
        return None
