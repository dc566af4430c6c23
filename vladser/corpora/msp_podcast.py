"""MSP-Podcast: turns of spontaneous English out of podcasts, more with each release.

Lotfian and Busso: Building naturalistic emotionally balanced speech corpus by
retrieving emotional speech from existing podcast recordings, IEEE Transactions on
Affective Computing 10(4), 2019.

A release holds
    Audios/MSP-PODCAST_1023_0235.wav   turn 0235 of podcast 1023; in older ones Audio/
    Labels/labels_consensus.csv        one line a turn; in older ones labels_concensus
The podcast is the `session`. A speaker is a number, or UNKNOWN: such turns are trained
on and never held out. The raters' activation and valence, from 1 to 7, are mapped to 1
to 5 so that the ends and the middle stay what they are.

X (the raters do not agree) and O (other) are no emotion. The labels of Test3 are not
published.
"""

import math
from collections import Counter
from pathlib import Path

from vladser.corpora import tables
from vladser.corpora.filenames import find_audio, find_root, notes, tally
from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance

EMOTIONS = {
    "A": "angry",
    "C": "contemptuous",
    "D": "disgusted",
    "F": "fearful",
    "H": "happy",
    "N": "neutral",
    "S": "sad",
    "U": "surprised",
}
SPLITS = {
    "Train": "train",
    "Development": "validation",
    "Validation": "validation",
    "Test1": "test1",
    "Test2": "test2",
}
_TABLES = "labels_consensus.csv", "labels_concensus.csv"
_COLUMNS = (
    *("filename", "emoclass", "emoact", "emoval", "emodom", "spkrid", "gender"),
    "split_set",
)
_NEEDED = "filename", "emoclass", "spkrid", "split_set"


def read(folder: Path) -> Corpus:
    """Reads MSP-Podcast, whole or in part; notes what is missing or has no emotion.

    Args:
      folder: that of Labels/ and Audios/, or one above it.

    Raises:
      InputError: no labelled wav in the folder, several copies of the corpus, or a
        table of labels that is not as published.
    """
    root = find_root(folder, "Labels/labels_con[cs]ensus.csv")
    table = next(
        filter(Path.exists, (root / "Labels" / name for name in _TABLES)), None
    )
    if not table:
        raise InputError(f"{root}: expected Labels/{_TABLES[0]}, found none")
    # Of copies, the nearest.
    wavs = {wav.name: wav for wav in reversed(find_audio(root, ".wav"))}
    utterances, absent, hidden, twice = dict[str, Utterance](), [], [], []
    no_emotion = Counter[str]()
    for line, cells, _ in tables.read(table, _NEEDED, _COLUMNS):
        name, label, split = cells["filename"], cells["emoclass"], cells["split_set"]
        id = name.removesuffix(".wav")
        if split not in SPLITS:
            hidden.append(f"{name}, {split}")
        elif label not in EMOTIONS:
            no_emotion[label] += 1
        elif name not in wavs:
            absent.append(name)
        elif id in utterances:
            twice.append(f"{name}, line {line}")
        else:
            where = f"{table}, line {line}"
            utterances[id] = Utterance(
                id=id,
                file=wavs[name],
                speaker=cells["spkrid"] or UNKNOWN,  # as it is called there, too
                emotion=EMOTIONS[label],
                session="_".join(id.split("_")[:2]),
                split=SPLITS[split],
                activation=_view(where, cells.get("emoact")),
                valence=_view(where, cells.get("emoval")),
            )
    if not utterances:
        raise InputError(
            f"{root}: expected MSP-Podcast's Audios/ with the wavs that {table.name} "
            "labels; found no utterance with both"
        )
    remarks = [
        *notes(
            (f"turns left out, of none of {', '.join(SPLITS)}", hidden),
            ("labelled turns left out, without a wav", absent),
            ("lines left out, second ones of a turn", twice),
        )
    ]
    remarks += tally("turns left out, labelled with no emotion", no_emotion)
    return Corpus([utterances[id] for id in sorted(utterances)], remarks)


def _view(where: str, cell: str | None) -> float | None:
    """Returns a rating from 1 to 7 on the scale from 1 to 5; None where there is none.
    Raises InputError for others."""
    try:
        rating = float(cell or "nan")
    except ValueError:
        rating = 0
    if math.isnan(rating):
        return None
    if not 1 <= rating <= 7:
        raise InputError(f"{where}: rating {cell!r}; expected a number from 1 to 7")
    return 1 + (rating - 1) * 4 / 6
