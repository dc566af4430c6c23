"""nEMO: 4,481 acted Polish utterances of nine actors in six emotions.

Christop: nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024.

Layout: `data.tsv` beside `samples/`, in the folder or one below it (`nEMO-main/`). The
table has the columns file_id, emotion, raw_text, normalized_text, speaker_id, gender,
age; its speaker cells are padded with spaces. A file_id, `WR0_surprised_64.wav`, is
speaker, emotion and the number of one of 90 sentences, the same for all speakers.
"""

from pathlib import Path

from vladser.corpora.filenames import find_wavs, notes, require_folder
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

EMOTIONS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}
_EXPECTED = "nEMO's data.tsv and samples/"


def read(folder: Path) -> Corpus:
    """Reads nEMO.

    Returns:
      The utterances by id; rows that cannot be read or lack their wav are left out and
      noted.

    Raises:
      InputError: no such folder, no table or none of its recordings in it, a table
        without the columns, or a file_id that comes twice.
    """
    require_folder(folder, _EXPECTED)
    tables = [folder / "data.tsv", *sorted(folder.glob("*/data.tsv"))]
    table = next((path for path in tables if path.is_file()), None)
    if table is None or not (table.parent / "samples").is_dir():
        raise InputError(f"{folder}: expected {_EXPECTED}; found none")
    wavs = {wav.stem: wav for wav in find_wavs(table.parent / "samples")}
    utterances: dict[str, Utterance] = {}
    absent, malformed = [], []
    for line, row in _rows(table):
        id = row.get("file_id", "").removesuffix(".wav")
        text, speaker = id.rpartition("_")[2], row.get("speaker_id", "")
        emotion = EMOTIONS.get(row.get("emotion", ""))
        if not (text.isdecimal() and speaker.isalnum() and emotion):
            malformed.append(f"line {line}")
        elif id in utterances:
            raise InputError(f"{table}, line {line}: {id} comes twice; expected once")
        elif id not in wavs:
            absent.append(f"{id}.wav")
        else:
            utterances[id] = Utterance(id, wavs[id], speaker, emotion, text=text)
    if not utterances:
        raise InputError(f"{table}: expected its recordings in samples/; found none")
    left_out = notes(
        (f"lines of {table.name} left out, not understood", malformed),
        (
            f"of {len(absent) + len(utterances):,} utterances, those without a wav "
            f"under {table.parent / 'samples'}",
            absent,
        ),
    )
    return Corpus([utterances[id] for id in sorted(utterances)], [*left_out])


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Returns the number of each line below the header, and its cells by column."""
    try:
        lines = table.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{table}: not readable as UTF-8: {error}") from None
    header, *rows = [[cell.strip() for cell in line.split("\t")] for line in lines]
    if missing := {"file_id", "emotion", "speaker_id"} - set(header):
        raise InputError(
            f"{table}: no column {', '.join(sorted(missing))} in its header"
        )
    return [
        (line, dict(zip(header, row, strict=False)))
        for line, row in enumerate(rows, start=2)
        if any(row)
    ]
