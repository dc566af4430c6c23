"""IEMOCAP: dyadic English conversations of ten actors in five sessions, 12 hours.

Busso et al.: IEMOCAP: interactive emotional dyadic motion capture database, Language
Resources and Evaluation 42, 2008.

Layout: the folder with `Session1/` to `Session5/`, or the one that holds it under the
archive's name `IEMOCAP_full_release/`. In each session
    dialog/EmoEvaluation/<dialogue>.txt      labels, in the lines that begin with `[`
    sentences/wav/<dialogue>/<turn>.wav      one wav a turn
A turn, `Ses01F_impro01_M000`, is named after its dialogue and the talker's count. The
letter of the dialogue says who wore the motion-capture markers; both persons talk in
it. So the talker is session and letter of the LAST token, here Ses01M.

xxx (the raters do not agree) and oth (other) are no emotion. `text` is None: turns are
counted anew in each recording, also where two recordings follow one script.
"""

import re
from collections import Counter
from pathlib import Path

from vladser.corpora.filenames import find_wavs, notes, require_folder
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

EMOTIONS = {
    "ang": "angry",
    "hap": "happy",
    "exc": "excited",
    "sad": "sad",
    "neu": "neutral",
    "fru": "frustrated",
    "fea": "fearful",
    "dis": "disgusted",
    "sur": "surprised",
}
CLASSES = ("angry", "happy", "sad", "neutral")
COUNTS = {
    "Ses01F": (147, 132, 78, 171),
    "Ses01M": (82, 146, 116, 213),
    "Ses02F": (67, 166, 113, 135),
    "Ses02M": (70, 161, 84, 227),
    "Ses03F": (92, 128, 172, 130),
    "Ses03M": (148, 158, 133, 190),
    "Ses04F": (205, 185, 62, 76),
    "Ses04M": (122, 118, 81, 182),
    "Ses05F": (78, 159, 132, 221),
    "Ses05M": (92, 283, 113, 163),
}
"""The 5,531 utterances of the literature by talker, in the order of CLASSES; excited
counts as happy."""

_SESSIONS = [f"Session{number}" for number in range(1, 6)]
_EXPECTED = "IEMOCAP's Session1 to Session5"
_LABEL = re.compile(
    r"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s+"
    r"(?P<turn>Ses\d\d[FM]_\w+_[FM][A-Z0-9]+)\s+(?P<label>[a-z]{3})(?:\s.*)?",
    re.ASCII,
)


def read(folder: Path) -> Corpus:
    """Reads IEMOCAP, whole or in part.

    Returns:
      The utterances with an emotion, by id. Sessions, labels and wavs that are missing
      and turns without an emotion are noted with their counts.

    Raises:
      InputError: no such folder, no session or no labelled wav in it, or two labels for
        one turn.
    """
    root = _release(folder)
    utterances, remarks, no_emotion = [], [], Counter[str]()
    for session in _SESSIONS:
        if not (root / session).is_dir():
            remarks.append(f"{session}: not in {root}")
            continue
        turns, malformed = _turns(root / session / "dialog" / "EmoEvaluation")
        wav_folder = root / session / "sentences" / "wav"
        wavs = find_wavs(wav_folder) if wav_folder.is_dir() else []
        files, labelled, absent = {wav.stem: wav for wav in wavs}, 0, []
        for id, label in turns.items():
            labelled += label in EMOTIONS
            if label not in EMOTIONS:
                no_emotion[label] += 1
            elif id not in files:
                absent.append(f"{id}.wav")
            else:
                recorded, talker = id[:5], id.rpartition("_")[2][0]
                emotion, speaker = EMOTIONS[label], recorded + talker
                utterances.append(
                    Utterance(id, files[id], speaker, emotion, session=recorded)
                )
        if not turns:
            remarks.append(f"{session}: no labels in dialog/EmoEvaluation/*.txt")
        remarks += notes(
            (f"{session}: label lines left out, not understood", malformed),
            (
                f"{session}: of {labelled:,} labelled utterances, those without a wav "
                f"under {wav_folder}",
                absent,
            ),
        )
    if not utterances:
        raise InputError(
            f"{root}: expected labels in SessionN/dialog/EmoEvaluation/*.txt and their "
            "wavs in SessionN/sentences/wav; found no utterance with both"
        )
    if no_emotion:
        counts = ", ".join(f"{n:,} {label}" for label, n in no_emotion.most_common())
        remarks.append(f"turns left out, labelled with no emotion: {counts}")
    return Corpus(sorted(utterances, key=lambda utterance: utterance.id), remarks)


def _release(folder: Path) -> Path:
    """Returns the folder that holds the sessions, this one or the archive's in it."""
    require_folder(folder, _EXPECTED)
    for root in (folder, folder / "IEMOCAP_full_release"):
        if any((root / session).is_dir() for session in _SESSIONS):
            return root
    raise InputError(f"{folder}: expected {_EXPECTED}; found none")


def _turns(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Returns the label of each turn, and the places of lines that are no label."""
    labels: dict[str, str] = {}
    sources: dict[str, str] = {}
    malformed = []
    for source in sorted(folder.glob("[!.]*.txt")):
        text = source.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.startswith("["):
                continue
            match = _LABEL.fullmatch(line.rstrip())
            if match is None:
                malformed.append(f"{source.name} line {number}")
                continue
            id, label = match["turn"], match["label"]
            first = labels.setdefault(id, label)
            sources.setdefault(id, source.name)
            if first != label:
                raise InputError(
                    f"{source}, line {number}: {id} is {label}, but {first} in "
                    f"{sources[id]}; expected one label"
                )
    return labels, malformed
