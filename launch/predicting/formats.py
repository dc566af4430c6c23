"""Writes predictions: as text, as embeddings, as complaints about bad files."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np

from launch.predicting.classifying import Classified
from vladser import files, text
from vladser.types import Utterance


class Row(NamedTuple):
    """What is said of one utterance.

    Attributes:
      file: its path.
      start, end: in seconds; None for the start or end of the file.
      predicted: the most probable emotion.
      probabilities: of each emotion, with nine digits.
    """

    file: str
    start: float | None
    end: float | None
    predicted: str
    probabilities: dict[str, float]


def rows(utterances: Sequence[Utterance], classified: Classified) -> Iterator[Row]:
    """Yields a row for each utterance that is not bad.

    Args:
      utterances: [N].
      classified: what the model says of them.
    """
    for place, (utterance, values) in enumerate(
        zip(utterances, classified.probabilities, strict=True)
    ):
        if place not in classified.bad:
            yield Row(
                str(utterance.file),
                utterance.start,
                utterance.end,
                classified.emotions[values.argmax()],
                probabilities(classified.emotions, values),
            )


def probabilities(emotions: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Returns the probability of each emotion, with the nine digits that distinguish
    any two float32.

    Args:
      emotions: the classes.
      values: [classes] float32.
    """
    return {e: float(f"{p:.9g}") for e, p in zip(emotions, values, strict=True)}


def _table(rows: Iterable[Row], emotions: Sequence[str], stream: TextIO) -> None:
    rows = list(rows)
    timed = any(row.start is not None or row.end is not None for row in rows)
    header = ["file", *["start", "end"] * timed, "predicted", *emotions]
    lines = [
        [
            shown(row.file),
            *(["" if t is None else f"{t:.2f}" for t in row[1:3]] if timed else []),
            row.predicted,
            *(f"{p:.3f}" for p in row.probabilities.values()),
        ]
        for row in rows
    ]
    print(text.table(header, lines), file=stream)


def _csv(rows: Iterable[Row], emotions: Sequence[str], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*Row._fields[:-1], *(f"p_{emotion}" for emotion in emotions)])
    for row in rows:
        # csv writes None as nothing, and floats with the digits they need.
        writer.writerow([*row[:-1], *row.probabilities.values()])


def _json(rows: Iterable[Row], emotions: Sequence[str], stream: TextIO) -> None:
    json.dump([row._asdict() for row in rows], stream, indent=2)
    stream.write("\n")


def _jsonl(rows: Iterable[Row], emotions: Sequence[str], stream: TextIO) -> None:
    stream.writelines(json.dumps(row._asdict()) + "\n" for row in rows)


FORMATS: dict[str, Callable[[Iterable[Row], Sequence[str], TextIO], Any]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}


def write_embeddings(
    path: Path, utterances: Sequence[Utterance], classified: Classified
) -> None:
    """Writes the embeddings of the N utterances that are not bad.

    `np.load` reads embeddings [N, V] float32, files [N], and starts and ends [N] in
    seconds, NaN for the start or end of the file.

    Args:
      path: the file.
      utterances: all of them.
      classified: what the model says of them.

    Raises:
      InputError: the file cannot be written.
    """
    good = [place for place in range(len(utterances)) if place not in classified.bad]
    spans = [(utterances[p].start, utterances[p].end) for p in good]
    starts, ends = np.array(spans, float).reshape(-1, 2).T
    content = io.BytesIO()
    np.savez(
        content,
        embeddings=classified.embeddings[good],
        files=np.array([str(utterances[place].file) for place in good], "U"),
        starts=starts,
        ends=ends,
    )
    files.write_bytes(path, content.getvalue())


def complaints(
    utterances: Sequence[Utterance], classified: Classified
) -> Iterator[str]:
    """Yields a line for each bad file and reason.

    Args:
      utterances: all of them.
      classified: says which are bad.
    """
    alike: dict[tuple[Path, str], list[Utterance]] = {}
    for place, bad in sorted(classified.bad.items()):
        utterance = utterances[place]
        alike.setdefault((utterance.file, str(bad)), []).append(utterance)
    for (file, reason), (utterance, *others) in alike.items():
        times = utterance.start, utterance.end
        start, end = ("" if t is None else f"{t:g}" for t in times)
        span = f", {start}-{end} s" if start or end else ""
        more = f" (and {len(others):,} more of this file)" if others else ""
        yield f"{shown(str(file))}{span}: {reason}{more}"


def shown(text: str) -> str:
    """Returns a file name as one line, whatever its characters are."""
    return text if text.isprintable() else ascii(text)
