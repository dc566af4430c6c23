"""CREMA-D by what listeners heard, not by what the actors meant.

Of each utterance about ten people said which emotion they hear in the sound alone. The
corpus's repository has their votes as processedResults/tabulatedVotes.csv: of its lines
those numbered 1xxxxx are of the sound, 2xxxxx of the picture, 3xxxxx of both.

The corpus and its names are those of `acted.cremad`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vladser.corpora import acted, tables
from vladser.corpora.filenames import find_files, notes
from vladser.errors import InputError
from vladser.types import Corpus

EMOTIONS = {
    "a": "angry",
    "d": "disgusted",
    "f": "fearful",
    "h": "happy",
    "n": "neutral",
    "s": "sad",
}
_TABLE = "tabulatedVotes.csv"


def read(folder: Path) -> Corpus:
    """Reads CREMA-D with the emotion that most of the listeners heard; utterances of
    which two emotions have most of the votes are left out.

    Args:
      folder: below which the wavs and tabulatedVotes.csv are.

    Raises:
      InputError: no wav of CREMA-D, no table, or one that is not as published.
    """
    found = [file for file in find_files(folder) if file.name == _TABLE]
    if not found:
        raise InputError(f"{folder}: expected {_TABLE}, the votes of CREMA-D")
    table = min(found, key=lambda file: (len(file.parts), file))
    heard: dict[str, list[str]] = {}
    for line, cells, _ in tables.read(table, ["filename", *EMOTIONS]):
        if cells.get("", "1").startswith("1"):
            heard[cells["filename"]] = _most(f"{table}, line {line}", cells)
    utterances, remarks = acted.cremad(folder)
    ties = [u.id for u in utterances if len(heard.get(u.id, ())) > 1]
    without = [u.id for u in utterances if not heard.get(u.id)]
    left_out = notes(
        ("utterances left out, with a tie of votes", ties),
        (f"utterances left out, without votes in {table.name}", without),
    )
    chosen = [
        replace(u, emotion=heard[u.id][0])
        for u in utterances
        if len(heard.get(u.id, ())) == 1
    ]
    if not chosen:
        raise InputError(f"{table}: no votes on the utterances in {folder}")
    return Corpus(chosen, [*remarks, *left_out])


def _most(where: str, cells: Mapping[str, str]) -> list[str]:
    """Returns the emotions with most votes, none where nobody voted."""
    try:
        votes = {EMOTIONS[key]: int(cells[key]) for key in EMOTIONS}
    except ValueError:
        counts = [cells[key] for key in EMOTIONS]
        raise InputError(f"{where}: votes {counts}; expected whole numbers") from None
    most = max(votes.values())
    return [name for name, count in votes.items() if count == most > 0]
