"""MELD, the Multimodal EmotionLines Dataset: dialogues of the TV series Friends.

Poria, Hazarika, Majumder, Naik, Cambria, Mihalcea, ACL 2019. 13,708 utterances, with a
split by dialogue: most of those who are tested are in the training part too.

MELD.Raw holds, each at any depth,
    train_sent_emo.csv    train_splits/dia0_utt0.mp4
    dev_sent_emo.csv      dev_splits_complete/
    test_sent_emo.csv     output_repeated_splits_test/
Dialogues are numbered anew in each part, so ids begin with its name: train_dia0_utt0.
Wav or flac files beside the videos, or in folders of these names, will do.

Speakers are those of the script, with the spellings of SPELLINGS as one. Where several
speak at once the speaker is UNKNOWN. An episode is the `session`.
"""

import re
from pathlib import Path

from vladser.corpora import tables
from vladser.corpora.filenames import find_audio, find_files, notes
from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance

EMOTIONS = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "joy": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}
SPLITS = {"train": "train", "dev": "validation", "test": "test"}
SPELLINGS = {
    "Dr. Drake Remoray": "Joey",  # plays him
    "Dr. Leedbetter": "Dr. Ledbetter",
    "Dr. Stryker Ramoray": "Joey",  # as Drake's twin
    "Joey/Drake": "Joey",
    "Phoebe Sr": "Phoebe Sr.",
    "Phoebe/Waitress": "Phoebe",
    "Rachel/actress": "Rachel",
    "Ursula": "Phoebe",  # her twin, played by the same actress
}
_SEVERAL = re.compile(r"All|Both|Her-Friends|The Guys|.+ and .+")
_BROKEN = {"train_dia125_utt3", "dev_dia110_utt7"}
_SUFFIXES = ".wav", ".flac", ".mp4"
_NEEDED = (
    *("utterance", "speaker", "emotion", "dialogue_id", "utterance_id"),
    *("season", "episode"),
)


def read(folder: Path) -> Corpus:
    """Reads MELD, whole or in part; notes what is missing.

    Args:
      folder: that of MELD.Raw, or any in which the tables and the videos are.

    Raises:
      InputError: no labelled file in the folder, or a table that is not as published.
    """
    files, found = _files(folder), find_files(folder)
    utterances, remarks = dict[str, Utterance](), []
    for part, split in SPLITS.items():
        name = f"{part}_sent_emo.csv"
        near = sorted((len(f.parts), f) for f in found if f.name.lower() == name)
        if not near:
            remarks.append(f"{name}: not in {folder}")
            continue
        table = near[0][1]
        absent, broken, others = [], [], []
        for line, cells, _ in tables.read(table, _NEEDED):
            id = f"{part}_dia{cells['dialogue_id']}_utt{cells['utterance_id']}"
            emotion = EMOTIONS.get(cells["emotion"])
            if id in _BROKEN:
                broken.append(id)
            elif not emotion or id in utterances:
                others.append(f"line {line}")
            elif id not in files:
                absent.append(id)
            else:
                said_by = SPELLINGS.get(cells["speaker"], cells["speaker"])
                utterances[id] = Utterance(
                    id=id,
                    file=files[id],
                    speaker=UNKNOWN if _SEVERAL.fullmatch(said_by) else said_by,
                    emotion=emotion,
                    session=f"{cells['season']}x{cells['episode']}",
                    text=cells["utterance"],
                    split=split,
                )
        remarks += notes(
            (f"{name}: utterances left out, published with broken media", broken),
            (f"{name}: utterances left out, without a file", absent),
            (f"{name}: lines left out, of other emotions or second ones", others),
        )
    if not utterances:
        raise InputError(
            f"{folder}: expected MELD's train_sent_emo.csv and files such as "
            "train_splits/dia0_utt0.mp4; found no utterance with both"
        )
    return Corpus([utterances[id] for id in sorted(utterances)], remarks)


def _files(folder: Path) -> dict[str, Path]:
    """Returns the file of each id, of copies the nearest; wavs and flacs go before the
    videos."""
    files = dict[str, Path]()
    found = find_audio(folder, *_SUFFIXES)
    for file in sorted(found, key=lambda file: file.suffix.lower() == ".mp4"):
        parts = [part for part in SPLITS if part in file.parent.name.lower()]
        if len(parts) == 1 and re.fullmatch(r"dia\d+_utt\d+", file.stem):
            files.setdefault(f"{parts[0]}_{file.stem}", file)
    return files
