"""Writes predictions: as text, as embeddings, as complaints about bad files."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from launch.predicting.classifying import Classified
from vladser import files, text
from vladser.types import Utterance

FORMATS = ("table", "csv", "json", "jsonl")


def rows(classified: Classified) -> Iterator[dict[str, Any]]:
    """Yields file, start, end, predicted and probabilities of each good utterance."""
    for place, utterance in enumerate(classified.utterances):
        if place not in classified.bad:
            values = classified.probabilities[place]
            yield {
                "file": str(utterance.file),
                "start": utterance.start,
                "end": utterance.end,
                "predicted": classified.emotions[values.argmax()],
                "probabilities": probabilities(classified.emotions, values),
            }


def probabilities(emotions: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Returns the probability of each emotion, with the nine digits that distinguish
    any two float32; values are [classes] float32."""
    return {e: float(f"{p:.9g}") for e, p in zip(emotions, values, strict=True)}


def show(rows: Iterable[dict[str, Any]], emotions: Sequence[str], form: str) -> None:
    """Prints what `rows` yields in one of the FORMATS."""
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        odds = [f"p_{emotion}" for emotion in emotions]
        writer.writerow(["file", "start", "end", "predicted", *odds])
        for row in rows:
            # csv writes None as nothing, and floats with the digits they need.
            *cells, values = row.values()
            writer.writerow([*cells, *values.values()])
    elif form == "json":
        print(json.dumps([*rows], indent=2))
    elif form == "jsonl":
        for row in rows:
            print(json.dumps(row))
    else:
        print(_table([*rows], emotions))


def _table(rows: Sequence[dict[str, Any]], emotions: Sequence[str]) -> str:
    timed = any(row[time] is not None for row in rows for time in ("start", "end"))
    times = ("start", "end") if timed else ()
    lines = [
        [
            shown(row["file"]),
            *("" if row[time] is None else f"{row[time]:.2f}" for time in times),
            row["predicted"],
            *(f"{p:.3f}" for p in row["probabilities"].values()),
        ]
        for row in rows
    ]
    return text.table(["file", *times, "predicted", *emotions], lines)


def write_embeddings(path: Path, classified: Classified) -> None:
    """Writes the embeddings of the N utterances that are not bad.

    `np.load` reads embeddings [N, V] float32, files [N], and starts and ends [N] in
    seconds, NaN for the start or end of the file. Raises InputError where the file
    cannot be written.
    """
    good = [u for n, u in enumerate(classified.utterances) if n not in classified.bad]
    with files.whole(path, "wb") as file:
        np.savez(
            file,
            embeddings=classified.embeddings[[int(u.id) for u in good]],
            files=np.array([str(u.file) for u in good], "U"),
            starts=np.array([u.start for u in good], float),
            ends=np.array([u.end for u in good], float),
        )


def complaints(classified: Classified) -> Iterator[str]:
    """Yields a line for each bad file and reason."""
    alike: dict[tuple[Path, str], list[Utterance]] = {}
    for place, bad in sorted(classified.bad.items()):
        utterance = classified.utterances[place]
        alike.setdefault((utterance.file, str(bad)), []).append(utterance)
    for (file, reason), (first, *others) in alike.items():
        start, end = ("" if t is None else f"{t:g}" for t in (first.start, first.end))
        span = f", {start}-{end} s" if start or end else ""
        more = f" (and {len(others):,} more of this file)" if others else ""
        yield f"{shown(str(file))}{span}: {reason}{more}"


def shown(text: str) -> str:
    """Returns a file name as one line, whatever its characters are."""
    return text if text.isprintable() else ascii(text)
