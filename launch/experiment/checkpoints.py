"""What a run directory keeps of its training: the results of finished batches, and the
last checkpoint of the batch that is under way. The same command goes on from them."""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from launch.experiment import run_dir, terminal
from vladser import files
from vladser.engine.events import Checkpoint
from vladser.engine.results import Results
from vladser.engine.trial_batches import TrialBatch

# What `np.load` raises of a damaged file: its parts have checksums.
_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


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


class Finished(NamedTuple):
    """A batch whose training has ended."""

    batch: TrialBatch
    results: Results
    figures: Figures


class Checkpoints:
    """Keeps files in a folder, which is made; without one, nothing is kept."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        if folder:
            run_dir.make(folder)

    def keep(self, finished: Finished) -> None:
        """Writes a finished batch.

        Raises:
          InputError: it cannot be written.
        """
        if self.folder:
            path = self.folder / f"{_name(finished.batch)}.finished"
            files.write_bytes(path, pack(finished))
            self._under_way(finished.batch).unlink(missing_ok=True)

    def finished(self) -> list[Finished]:
        """Reads the batches that are finished; what is damaged is removed, and said."""
        paths = sorted(self.folder.glob("*.finished")) if self.folder else []
        return [kept for path in paths if (kept := _read(path, unpack))]

    def save(self, batch: TrialBatch, now: Checkpoint, figures: Figures) -> None:
        """Writes the checkpoint of a batch, in the place of the one before.

        Raises:
          InputError: it cannot be written.
        """
        if self.folder:
            packed = _pack({"figures": asdict(figures)}, now)
            files.write_bytes(self._under_way(batch), packed)

    def latest(self, batch: TrialBatch) -> tuple[Checkpoint, Figures] | None:
        """Reads the last checkpoint of a batch, if it was saved."""

        def unpacked(packed: bytes) -> tuple[Checkpoint, Figures]:
            head, fields = _unpack(packed)
            fields["epoch"] = int(fields["epoch"])
            return Checkpoint(**fields), Figures(**head["figures"])

        path = self._under_way(batch) if self.folder else None
        return _read(path, unpacked) if path and path.exists() else None

    def clear(self) -> None:
        """Removes all checkpoints: once all batches are finished none is of use."""
        for file in self.folder.glob("*.checkpoint") if self.folder else ():
            file.unlink(missing_ok=True)

    def _under_way(self, batch: TrialBatch) -> Path:
        assert self.folder
        return self.folder / f"{_name(batch)}.checkpoint"


def pack(finished: Finished) -> bytes:
    """Returns a finished batch as bytes, to be kept or sent to another process."""
    head = {"batch": _places(finished.batch), "figures": asdict(finished.figures)}
    return _pack(head, finished.results)


def unpack(packed: bytes) -> Finished:
    """Returns what `pack` made bytes of."""
    head, fields = _unpack(packed)
    batch, figures = TrialBatch(*head["batch"]), Figures(**head["figures"])
    return Finished(batch, Results(**fields), figures)


def _pack(head: dict[str, Any], fields: Any) -> bytes:
    """A NamedTuple of arrays and lists of arrays as an .npz file."""
    arrays: dict[str, Any] = {
        "head": np.frombuffer(json.dumps(head).encode(), np.uint8)
    }
    for name, value in fields._asdict().items():
        if isinstance(value, list):
            arrays[f"{name}#"] = np.array(len(value))
            arrays |= {f"{name}#{n}": part for n, part in enumerate(value)}
        else:
            arrays[name] = value
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        fields: dict[str, Any] = {n: file[n] for n in file.files if "#" not in n}
        for name in (n.removesuffix("#") for n in file.files if n.endswith("#")):
            fields[name] = [file[f"{name}#{n}"] for n in range(int(file[f"{name}#"]))]
    return json.loads(fields.pop("head").tobytes()), fields


def _read(path: Path, unpacked) -> Any:
    try:
        return unpacked(path.read_bytes())
    except _DAMAGED:
        terminal.say(f"{path} is damaged: its trials are trained again")
        path.unlink(missing_ok=True)
        return None


def _places(batch: TrialBatch) -> list[list[int]]:
    return [list(places) for places in batch]


def _name(batch: TrialBatch) -> str:
    return hashlib.sha256(json.dumps(_places(batch)).encode()).hexdigest()[:16]
