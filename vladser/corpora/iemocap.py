"""IEMOCAP: dyadic English conversations of ten actors in five sessions, 12 hours.

Busso et al.: IEMOCAP: interactive emotional dyadic motion capture database, Language
Resources and Evaluation 42, 2008.

A session holds, in Session1/ to Session5/,
    dialog/EmoEvaluation/<dialogue>.txt      labels, in the lines that begin with `[`
    sentences/wav/<dialogue>/<turn>.wav      one wav a turn
A turn, `Ses01F_impro01_M000`, is named after its dialogue and the talker's count. The
letter of the dialogue says who wore the motion-capture markers; both persons talk in
it. So the talker is session and letter of the LAST token, here Ses01M.

Behind its emotion a label line has the means of what raters said of valence, activation
and dominance, from 1 to 5; some are beyond 5, and count as 5.

xxx (the raters do not agree) and oth (other) are no emotion. `text` is None: turns are
counted anew in each recording, also where two recordings follow one script.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from vladser.corpora.filenames import find_audio, find_root, notes, tally
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

_NUMBER = r"\d+\.?\d*"
_LABEL = re.compile(
    r"\[\s*[\d.]+\s*-\s*[\d.]+\s*\]\s+"
    r"(?P<turn>Ses\d\d[FM]_\w+_[FM][A-Z0-9]+)\s+(?P<label>[a-z]{3})"
    rf"(?:\s+\[\s*(?P<valence>{_NUMBER})\s*,\s*(?P<activation>{_NUMBER})\s*,.*|\s.*)?",
    re.ASCII,
)


def read(folder: Path) -> Corpus:
    """Reads IEMOCAP, whole or in part; notes what is missing or has no emotion.

    Args:
      folder: that of the sessions, such as IEMOCAP_full_release/, or one above it.

    Raises:
      InputError: no labelled wav in the folder, several copies of the corpus, or two
        labels for one turn.
    """
    root = find_root(folder, "Session[1-5]/dialog/EmoEvaluation")
    utterances, remarks, no_emotion = [], [], Counter[str]()
    for session in (f"Session{number}" for number in range(1, 6)):
        if not (root / session).is_dir():
            remarks.append(f"{session}: not in {root}")
            continue
        labels, malformed = _labels(root / session / "dialog" / "EmoEvaluation")
        wav_folder = root / session / "sentences" / "wav"
        wavs = find_audio(wav_folder, ".wav") if wav_folder.is_dir() else []
        files = {wav.stem: wav for wav in wavs}
        no_emotion.update(
            of.emotion for of in labels.values() if of.emotion not in EMOTIONS
        )
        spoken = {id: of for id, of in labels.items() if of.emotion in EMOTIONS}
        absent = [f"{id}.wav" for id in spoken if id not in files]
        for id in spoken.keys() & files:
            recorded, talker = id[:5], id.rpartition("_")[2][0]
            label, speaker = spoken[id], recorded + talker
            utterances.append(
                Utterance(
                    id,
                    files[id],
                    speaker,
                    EMOTIONS[label.emotion],
                    recorded,
                    activation=label.activation,
                    valence=label.valence,
                )
            )
        if not labels:
            remarks.append(f"{session}: no labels in dialog/EmoEvaluation/*.txt")
        without = f"of {len(spoken):,} labelled utterances, those without a wav under"
        remarks += notes(
            (f"{session}: label lines left out, not understood", malformed),
            (f"{session}: {without} {wav_folder}", absent),
        )
    if not utterances:
        raise InputError(
            f"{root}: expected IEMOCAP's labels in SessionN/dialog/EmoEvaluation/*.txt "
            "and their wavs in SessionN/sentences/wav; found no utterance with both"
        )
    remarks += tally("turns left out, labelled with no emotion", no_emotion)
    return Corpus(sorted(utterances, key=lambda utterance: utterance.id), remarks)


class _Label(NamedTuple):
    emotion: str  # its code
    activation: float | None
    valence: float | None


def _labels(folder: Path) -> tuple[dict[str, _Label], list[str]]:
    """Returns the label of each turn, and the places of lines that are no label."""
    labels: dict[str, _Label] = {}
    places: dict[str, str] = {}
    malformed = []
    for file in sorted(folder.glob("[!.]*.txt")):
        text = file.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.startswith("["):
                continue
            match = _LABEL.fullmatch(line.rstrip())
            if match is None:
                malformed.append(f"{file.name} line {number}")
                continue
            views = (match[view] for view in ("activation", "valence"))
            # 0 stands for no rating.
            means = [
                min(float(view), 5.0) if view and float(view) else None
                for view in views
            ]
            id, label = match["turn"], _Label(match["label"], *means)
            known = labels.setdefault(id, label).emotion
            if known != label.emotion:
                raise InputError(
                    f"{file}, line {number}: {id} is {label.emotion}, but {known} in "
                    f"{places[id]}; expected one label"
                )
            places.setdefault(id, file.name)
    return labels, malformed
