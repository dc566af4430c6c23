"""MSP-IMPROV: dyadic English improvisations of twelve actors in six sessions.

Busso et al.: MSP-IMPROV: an acted corpus of dyadic interactions to study emotion
perception, IEEE Transactions on Affective Computing 8(1), 2017. 8,438 turns.

The release holds
    session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav   one wav a turn
    Evaluation.txt                                   what raters heard, a block a turn
The turn's name tells the scenario (sentence 01, meant for emotion A), the talker F01,
whose digits are the session, and the kind of turn: R is the target sentence read, T
improvised, S what else is improvised, P what is said between scenes. The emotion is
that of the raters' consensus in Evaluation.txt, whatever the scenario was meant for.

X (the raters do not agree) and O (other) are no emotion. Activation and valence are
left out, because the public readers do not say in which direction they run.
"""

import re
from collections import Counter
from pathlib import Path

from vladser.corpora.filenames import find_audio, find_root, notes, tally
from vladser.errors import InputError
from vladser.types import Corpus, Utterance

EMOTIONS = {"A": "angry", "H": "happy", "N": "neutral", "S": "sad"}
_TABLE = "Evaluation.txt"
_TURN = re.compile(
    r"MSP-IMPROV-S(?P<sentence>\d\d)[AHNS]-(?P<speaker>[FM](?P<session>\d\d))"
    r"-(?P<kind>[PRST])-\w+",
    re.ASCII,
)
_LABEL = re.compile(r"UTD-(IMPROV-[\w-]+)\.avi;\s*([A-Z])\s*;.*", re.ASCII)


def read(folder: Path) -> Corpus:
    """Reads MSP-IMPROV, whole or in part; notes what is missing or has no emotion.

    Args:
      folder: that of Evaluation.txt, below which the wavs are, or one above it.

    Raises:
      InputError: no labelled wav in the folder, several copies of the corpus, or two
        labels for one turn.
    """
    root = find_root(folder, _TABLE)
    labels, malformed = _labels(root / _TABLE)
    utterances, strangers, unlabelled = [], [], []
    no_emotion, heard = Counter[str](), set[str]()
    for wav in find_audio(root, ".wav"):
        turn, label = _TURN.fullmatch(wav.stem), labels.get(wav.stem)
        if not turn or wav.stem in heard:
            strangers.append(wav.relative_to(root))
            continue
        heard.add(wav.stem)
        if not label:
            unlabelled.append(wav.name)
        elif label not in EMOTIONS:
            no_emotion[label] += 1
        else:
            said = turn["sentence"] if turn["kind"] in "RT" else None
            session = f"session{int(turn['session'])}"
            emotion, speaker = EMOTIONS[label], turn["speaker"]
            utterance = Utterance(wav.stem, wav, speaker, emotion, session, said)
            utterances.append(utterance)
    if not utterances:
        raise InputError(
            f"{root}: expected MSP-IMPROV's {_TABLE} and wavs such as "
            "MSP-IMPROV-S01A-F01-P-FM01.wav; found no utterance with both"
        )
    remarks = [
        *notes(
            (f"lines of {_TABLE} left out, not understood", malformed),
            ("wavs left out, no turns by their names or second copies", strangers),
            (f"wavs left out, not in {_TABLE}", unlabelled),
            (f"turns of {_TABLE} without a wav", sorted({*labels} - heard)),
        )
    ]
    remarks += tally("turns left out, labelled with no emotion", no_emotion)
    return Corpus(sorted(utterances, key=lambda utterance: utterance.id), remarks)


def _labels(file: Path) -> tuple[dict[str, str], list[str]]:
    """Returns the class of each turn, and the places of lines that are none."""
    labels, malformed = dict[str, str](), list[str]()
    if not file.is_file():
        return labels, malformed
    text = file.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("UTD-"):  # of a rater
            continue
        match = _LABEL.fullmatch(line.rstrip())
        if match is None:
            malformed.append(f"line {number}")
            continue
        id, label = f"MSP-{match[1]}", match[2]
        if (known := labels.setdefault(id, label)) != label:
            where = f"{file}, line {number}"
            raise InputError(f"{where}: {id} is {label}, but {known} before")
    return labels, malformed
