"""A database in audEERING's audformat, as audb writes it: a folder that holds db.yaml,
the tables as db.*.parquet or db.*.csv, and the audio.

Of all tables, the columns count whose scheme or name is
    emotion        of a file or of a segment, which is then an utterance
    speaker        of the same file or segment, or of the whole file
and, where there are any,
    session        speakers of one session were recorded together
    transcription  the sentence
An utterance's split (train, dev, test) is that of the table with its emotion. Where
tables disagree about emotions, those called gold_standard count.

It takes `pip install 'vladser[audformat]'`. That package would unpickle tables, and
make any object of Python that db.yaml asks for: so the header is read here, as plain
YAML, and the package is shown the tables as Parquet or CSV alone.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from vladser.corpora.filenames import require_folder
from vladser.corpora.manifest import is_control
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

_EMOTIONS = {
    "anger": "angry",
    "boredom": "bored",
    "disgust": "disgusted",
    "excitement": "excited",
    "fear": "fearful",
    "frustration": "frustrated",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
_PLAIN = re.compile(r"[\w. -]*\w[\w. -]*")
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


class _Segment(NamedTuple):
    file: str
    start: float | None = None  # seconds; None for the begin of the file, and its end
    end: float | None = None


class _Label(NamedTuple):
    segment: _Segment
    value: str
    table: str


def read(folder: Path) -> Corpus:
    """Reads a database; notes utterances without a speaker, which are left out.

    Raises:
      InputError: audformat is not installed; no database, or one without emotions,
        speakers or a single one of its files; tables that disagree.
    """
    require_folder(folder, "an audformat database: db.yaml, tables and audio")
    database = _load(folder)
    labels, notes = list(_labels(database, "emotion")), []
    if _clash(labels):
        gold = [label for label in labels if "gold_standard" in label.table]
        if gold:
            notes.append(f"{folder}: tables disagree; those called gold_standard count")
            labels = gold
    emotions, speakers, sessions, texts = (
        _decided(folder, name, found)
        for name, found in {
            "emotion": labels,
            "speaker": list(_labels(database, "speaker")),
            "session": list(_labels(database, "session")),
            "transcription": list(_labels(database, "transcription")),
        }.items()
    )
    for name, found in {"emotion": emotions, "speaker": speakers}.items():
        if not found:
            known = ", ".join(database.schemes) or "none"
            raise InputError(f"{folder}: no label of {name!r}; its schemes are {known}")
    if not any((folder / segment.file).exists() for segment in emotions):
        one = next(iter(emotions)).file
        raise InputError(f"{folder}: none of its files is there, such as {one}")
    splits = _splits(database, labels)
    whole = {segment: _Segment(segment.file) for segment in emotions}
    utterances = [
        Utterance(
            id=_id(segment),
            file=folder / segment.file,
            speaker=speaker,
            emotion=_EMOTIONS.get(emotion.lower(), emotion.lower()),
            session=sessions.get(segment) or sessions.get(whole[segment]),
            text=texts.get(segment) or texts.get(whole[segment]),
            start=segment.start,
            end=segment.end,
            split=splits.get(segment),
        )
        for segment, emotion in emotions.items()
        if (speaker := speakers.get(segment) or speakers.get(whole[segment]))
    ]
    if missing := len(emotions) - len(utterances):
        notes.append(f"utterances left out, without a speaker: {missing:,}")
    return Corpus(sorted(utterances, key=lambda utterance: utterance.id), notes)


def _load(folder: Path) -> Any:
    """The audformat.Database with all its tables."""
    try:
        import audformat  # the package, for imports are absolute
        import yaml  # which comes with it
    except ModuleNotFoundError as error:
        raise InputError(
            f"{folder}: reading it needs {error.name}: pip install 'vladser[audformat]'"
        ) from None
    file = folder / "db.yaml"
    if not file.is_file():
        raise InputError(f"{folder}: no db.yaml; expected an audformat database")
    with TemporaryDirectory() as shown:
        try:
            header = yaml.safe_load(file.read_text(encoding="utf-8"))
            database = audformat.Database.load_header_from_yaml(header)
            names = [*database.misc_tables, *database.tables]
            for name in names:
                if not _PLAIN.fullmatch(name):  # a path would lead out of what is shown
                    raise InputError(f"the table {name!r:.60} has no plain name")
            for name in names:
                file = folder / f"db.{name}"
                for kind in "parquet", "csv":
                    table = folder / f"db.{name}.{kind}"
                    if table.is_file():
                        Path(shown, table.name).symlink_to(table.resolve())
                database[name].load(str(Path(shown, f"db.{name}")))
        except OSError:
            raise
        except Exception as error:  # it checks little of what it reads
            said = " ".join(f"{error}".replace(shown, str(folder)).split()) or repr(
                error
            )
            raise InputError(f"{file}: is not as audformat writes it: {said}") from None
    return database


def _labels(database: Any, scheme: str) -> Iterator[_Label]:
    """Not by Database.get, which takes the labels of files for those of other segments
    (seen with audformat 1.4.3 where tables of both kinds are joined)."""
    for name, table in database.tables.items():
        for column_id, column in table.columns.items():
            if scheme not in (column_id, column.scheme_id):
                continue
            known = column.scheme.labels if column.scheme_id else None
            for place, value in column.get().dropna().items():
                if isinstance(known, dict) and isinstance(known.get(value), str):
                    value = known[value]
                yield _Label(_segment(place), str(value).strip(), name)


def _segment(place: str | tuple) -> _Segment:
    if isinstance(place, str):
        return _Segment(place)
    file, *times = place
    seconds = (time.total_seconds() for time in times)  # of NaT, NaN
    start, end = (None if math.isnan(time) else time for time in seconds)
    if not start and end is None:
        return _Segment(file)
    return _Segment(file, start or 0.0, end)


def _id(segment: _Segment) -> str:
    times = "-".join("" if time is None else str(time) for time in segment[1:])
    return segment.file if times == "-" else f"{segment.file}#{times}"


def _decided(folder: Path, name: str, labels: Sequence[_Label]) -> dict[_Segment, str]:
    if clash := _clash(labels):
        (segment, *one), (_, *other) = clash
        raise InputError(
            f"{folder}: {name} of {_id(segment)} is {one[0]} in the table {one[1]} and "
            f"{other[0]} in {other[1]}"
        )
    for segment, value, table in labels:
        text = segment.file if name == "transcription" else segment.file + value
        if any(map(is_control, text)):
            raise InputError(
                f"{folder}: table {table}: {name} {value!r} of {segment.file!r}; "
                "expected no control character"
            )
    return {label.segment: label.value for label in labels}


def _clash(labels: Sequence[_Label]) -> tuple[_Label, _Label] | None:
    """The first two labels of one segment that differ."""
    first: dict[_Segment, _Label] = {}
    for label in labels:
        if first.setdefault(label.segment, label).value != label.value:
            return first[label.segment], label
    return None


def _splits(database: Any, labels: Sequence[_Label]) -> dict[_Segment, str | None]:
    """The split of each segment that is in one alone."""
    found = defaultdict(set)
    for label in labels:
        if split := database.splits.get(database.tables[label.table].split_id):
            found[label.segment].add(_SPLITS.get(split.type))
    return {segment: one.pop() for segment, one in found.items() if len(one) == 1}
