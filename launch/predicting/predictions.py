"""What a model says of utterances, and how that is written."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vladser import files, text
from vladser.contracts import Features
from vladser.features import extraction, packed
from vladser.features.audio import BadAudio
from vladser.features.extraction import Described
from vladser.types import Utterance

if TYPE_CHECKING:
    from vladser.models.bundle import Bundle

FORMATS = ("table", "csv", "json", "jsonl")
_GROUP = 32  # utterances that are classified together


class Predictions(NamedTuple):
    """What a model says of N utterances, NaN where their files are bad."""

    utterances: Sequence[Utterance]  # the id of each is its place
    emotions: tuple[str, ...]
    probabilities: np.ndarray  # [N, classes] float32
    embeddings: np.ndarray  # [N, V] float32
    bad: Mapping[int, BadAudio]  # by place
    notes: Mapping[int, Sequence[str]]  # on the audio, by place

    def good(self) -> list[tuple[int, Utterance]]:
        """Returns the utterances that are not bad, and their places."""
        return [(n, u) for n, u in enumerate(self.utterances) if n not in self.bad]


def make(
    bundle: "Bundle",
    features: Features,
    utterances: Sequence[Utterance],
    extracted: Iterable[Described],
    progress: Callable[[int], object],
) -> Predictions:
    """Classifies utterances, whose ids are their places, as their features arrive.

    Args:
      bundle: the model.
      features: that it takes.
      utterances: in the order of their places.
      extracted: each once, in any order, see `extraction.started`.
      progress: called with 1 for each.
    """
    from vladser.models import inference  # late because it imports jax

    # Of no interest but for its sizes: compiles the programs while workers start.
    frame = np.zeros((1, len(bundle.mean)), np.float32)
    example = inference.classify(bundle, [frame], [np.zeros(1)])
    embeddings, probabilities = (
        np.full((len(utterances), part.shape[1]), np.nan, np.float32)
        for part in example
    )
    good: dict[int, np.ndarray] = {}
    energy: dict[int, np.ndarray | None] = {}
    bad: dict[int, BadAudio] = {}
    notes: dict[int, Sequence[str]] = {}
    for number, one in enumerate(extracted, 1):
        progress(1)
        place = int(one.utterance.id)
        notes[place] = one.notes
        if isinstance(one.features, BadAudio):
            bad[place] = one.features
        else:
            good[place] = packed.load(one.features)
            energy[place] = extraction.energy(features, one)
        if good and (len(good) == _GROUP or number == len(utterances)):
            places = [*good]
            given = [*good.values()], [energy[place] for place in good]
            embeddings[places], probabilities[places] = inference.classify(
                bundle, *given
            )
            good, energy = {}, {}
    return Predictions(
        utterances, bundle.emotions, probabilities, embeddings, bad, notes
    )


def show(predictions: Predictions, form: str) -> None:
    """Prints predictions in one of the FORMATS."""
    rows, emotions = _rows(predictions), predictions.emotions
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


def _rows(predictions: Predictions) -> Iterator[dict[str, Any]]:
    for place, utterance in predictions.good():
        values = predictions.probabilities[place]
        yield {
            "file": str(utterance.file),
            "start": utterance.start,
            "end": utterance.end,
            "predicted": predictions.emotions[values.argmax()],
            "probabilities": named(predictions.emotions, values),
        }


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


def write_embeddings(predictions: Predictions, path: Path) -> None:
    """Writes an .npz of the N good utterances: embeddings [N, V] float32, files [N],
    starts and ends [N] in seconds, NaN for those of the file; raises InputError."""
    good = predictions.good()
    with files.whole(path, "wb") as file:
        np.savez(
            file,
            embeddings=predictions.embeddings[[place for place, _ in good]],
            files=np.array([str(u.file) for _, u in good], "U"),
            starts=np.array([u.start for _, u in good], float),
            ends=np.array([u.end for _, u in good], float),
        )


def complaints(predictions: Predictions) -> Iterator[str]:
    """Yields a line for each file and note on it, or reason why it is bad."""
    alike: dict[tuple[Path, str], list[Utterance]] = {}
    for place, utterance in enumerate(predictions.utterances):
        reasons = [f"note: {note}" for note in predictions.notes.get(place, ())]
        if place in predictions.bad:
            reasons.append(str(predictions.bad[place]))
        for reason in reasons:
            alike.setdefault((utterance.file, reason), []).append(utterance)
    for (file, reason), (first, *others) in alike.items():
        start, end = ("" if t is None else f"{t:g}" for t in (first.start, first.end))
        span = f", {start}-{end} s" if start or end else ""
        more = f" (and {len(others):,} more of this file)" if others else ""
        yield f"{shown(str(file))}{span}: {reason}{more}"


def named(emotions: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Returns probabilities by emotion, with nine digits, which tell float32 apart."""
    return {e: float(f"{p:.9g}") for e, p in zip(emotions, values, strict=True)}


def shown(text: str) -> str:
    """Returns a file name as one line, whatever its characters are."""
    return text if text.isprintable() else ascii(text)
