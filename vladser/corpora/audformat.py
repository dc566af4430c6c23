"""A database in audEERING's audformat, as audb writes it: db.yaml, tables and audio.

Reads the columns of all tables whose scheme or name is emotion (of a file or a segment,
which is an utterance), speaker, session or transcription (of the same or of its whole
file). The split is that of the table with the emotion. Where tables disagree about
emotions, those called gold_standard decide. Several splits of the type test are parts
of the test set.

The package audformat would unpickle tables, and make any object of Python that db.yaml
asks for: so the header is read here, as plain YAML, and the package is shown the tables
as Parquet or CSV alone.
"""

import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vladser.corpora.filenames import find_root
from vladser.corpora.manifest import check_letters, segment_id
from vladser.errors import InputError
from vladser.text import few
from vladser.types import Corpus, Utterance

EMOTIONS = {
    "amusement": "amused",
    "anger": "angry",
    "boredom": "bored",
    "contempt": "contemptuous",
    "disgust": "disgusted",
    "excitement": "excited",
    "fear": "fearful",
    "frustration": "frustrated",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
_HEADER = "db.yaml"
_PLAIN = re.compile(r"[\w. -]*\w[\w. -]*")
_SCHEMES = ("emotion", "speaker", "session", "transcription")
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}  # by type

_Segment = tuple[str, float | None, float | None]  # file, start and end in seconds
_Labels = dict[_Segment, dict[str, list[str]]]  # the tables that each label is in


def read(folder: Path) -> Corpus:
    """Reads a database, in the folder or below it; needs
    `pip install 'vladser[audformat]'`.

    Raises:
      InputError: audformat is not installed; no database, several, or one without
        emotions, speakers or a single one of its files; tables that disagree.
    """
    folder = find_root(folder, _HEADER)
    database, notes = _load(folder), []
    labels = {scheme: _labels(database, scheme) for scheme in _SCHEMES}
    if any(len(values) > 1 for values in labels["emotion"].values()):
        gold = _labels(database, "emotion", "gold_standard")
        if gold:
            notes.append(f"{folder}: tables disagree; gold_standard decides")
            labels["emotion"] = gold
    values = {name: _decided(folder, name, labels[name]) for name in _SCHEMES}
    for name in "emotion", "speaker":
        if not values[name]:
            known = few(database.schemes) or "none"
            raise InputError(f"{folder}: no label of {name!r}; its schemes are {known}")
    files = [file for file, *_ in values["emotion"]]
    if not any((folder / file).exists() for file in files):
        raise InputError(f"{folder}: none of its files is there, such as {files[0]}")
    utterances = []
    for segment, emotion in values["emotion"].items():
        file, start, end = segment
        _, speaker, session, text = (
            values[name].get(segment) or values[name].get((file, None, None))
            for name in _SCHEMES
        )
        if not speaker:
            continue
        tables = labels["emotion"][segment][emotion]
        ids = {database.tables[name].split_id for name in tables} & {*database.splits}
        splits = {_split(database, id) for id in ids}
        utterances.append(
            Utterance(
                id=segment_id(*segment),
                file=folder / file,
                speaker=speaker,
                emotion=EMOTIONS.get(emotion.lower(), emotion.lower()),
                session=session,
                text=text,
                start=start,
                end=end,
                split=splits.pop() if len(splits) == 1 else None,
            )
        )
    if missing := len(values["emotion"]) - len(utterances):
        notes.append(f"utterances left out, without a speaker: {missing:,}")
    return Corpus(sorted(utterances, key=lambda utterance: utterance.id), notes)


def _split(database: Any, id: str) -> str | None:
    """Returns the name of a split; test parts are told apart by their ids."""
    types = {other: split.type for other, split in database.splits.items()}
    name = _SPLITS.get(types[id])
    if name != "test" or [*types.values()].count("test") == 1:
        return name
    return id if id.startswith(name) else f"{name} {id}"


def _load(folder: Path) -> Any:
    """Returns the audformat.Database with all its tables."""
    try:
        import audformat  # the package, for imports are absolute
        import yaml  # which comes with it
    except ModuleNotFoundError as error:
        raise InputError(
            f"{folder}: reading it needs {error.name}: pip install 'vladser[audformat]'"
        ) from None
    file = folder / _HEADER
    if not file.is_file():
        raise InputError(f"{folder}: no {_HEADER}; expected an audformat database")
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
        except Exception as error:  # audformat checks little of what it reads
            reason = " ".join(f"{error}".replace(shown, str(folder)).split())
            raise InputError(
                f"{file}: is not as audformat writes it: {reason or repr(error)}"
            ) from None
    return database


def _labels(database: Any, scheme: str, tables: str = "") -> _Labels:
    """Returns the labels of a scheme in all tables whose names contain `tables`.

    Database.get would take the labels of files for those of other segments (seen with
    audformat 1.4.3 where tables of both kinds are joined).
    """
    from audformat.utils import to_segmented_index

    labels: _Labels = {}
    for name, table in database.tables.items():
        for column_id, column in table.columns.items():
            if scheme not in (column_id, column.scheme_id) or tables not in name:
                continue
            known = column.scheme.labels if column.scheme_id else None
            values = to_segmented_index(column.get().dropna())
            for (file, *times), value in values.items():
                if isinstance(known, dict) and isinstance(known.get(value), str):
                    value = known[value]
                seconds = (time.total_seconds() for time in times)  # of NaT, NaN
                start, end = (None if math.isnan(time) else time for time in seconds)
                whole = not start and end is None
                segment = (file, None, None) if whole else (file, start or 0.0, end)
                by_table = labels.setdefault(segment, {})
                by_table.setdefault(str(value).strip(), []).append(name)
    return labels


def _decided(folder: Path, scheme: str, labels: _Labels) -> dict[_Segment, str]:
    """Returns the label of each segment, on which all tables agree."""
    for segment, values in labels.items():
        (value, tables), *others = values.items()
        for other, (table, *_) in others:
            raise InputError(
                f"{folder}: {scheme} of {segment_id(*segment)} is {value} in the table "
                f"{tables[0]} and {other} in {table}"
            )
        where = f"{folder}: table {tables[0]}"
        check_letters(f"{where}: file", segment[0])
        check_letters(f"{where}: {scheme}", "" if scheme == "transcription" else value)
    return {segment: next(iter(values)) for segment, values in labels.items()}
