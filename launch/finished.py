"""Finished chunks of trials, kept in the run directory as they finish: the same command
goes on after them."""

import hashlib
import json
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from launch import run_dir, terminal
from vladser import merging
from vladser.chunks import Chunk
from vladser.merging import Results


@dataclass
class Figures:
    """What was counted while trials were trained; in seconds."""

    frames: int = 0  # real ones of live training rows
    computed: int = 0  # padding included
    compiling: float = 0.0
    training: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            *(a + b for a, b in zip(*map(astuple, (self, other)), strict=True))
        )


def keep(folder: Path, chunk: Chunk, results: Results, figures: Figures) -> None:
    """Writes one finished chunk into a run directory.

    Raises:
      InputError: it cannot be written.
    """
    packed = merging.pack(chunk, results)
    head = {"sha256": hashlib.sha256(packed).hexdigest(), "figures": asdict(figures)}
    path = _path(folder, chunk)
    run_dir.make(path.parent)
    run_dir.write_bytes(path, json.dumps(head).encode() + b"\n" + packed)


def read(folder: Path, chunk: Chunk) -> tuple[Results, Figures] | None:
    """What `keep` wrote of the chunk; None where there is nothing, or it is damaged,
    which is said."""
    path = _path(folder, chunk)
    try:
        head, _, packed = path.read_bytes().partition(b"\n")
        said = json.loads(head)
        if said["sha256"] != hashlib.sha256(packed).hexdigest():
            raise ValueError
        return merging.unpack(packed)[1], Figures(**said["figures"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        terminal.say(f"{path} is damaged: its trials are trained again")
        return None


def _path(folder: Path, chunk: Chunk) -> Path:
    """Named after the trials, whichever chunks the experiment is cut into."""
    trials = repr([list(places) for places in chunk]).encode()
    name = hashlib.sha256(trials).hexdigest()[:16]
    return folder / "checkpoints" / f"{name}.finished"
