"""Corpora of acted speech whose file names tell speaker and emotion, a function each.

Their wavs are found at any depth, so that the folders of the archive may stay. Names of
another pattern and second copies of a recording are left out and noted.
"""

import re
from pathlib import Path

from vladser.corpora.filenames import find_wavs, notes
from vladser.errors import InputError
from vladser.types import Corpus, Utterance


def cremad(folder: Path) -> Corpus:
    """Reads CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset.

    Cao, Cooper, Keutmann, Gur, Nenkova, Verma, IEEE Transactions on Affective Computing
    5(4), 2014. 91 actors, twelve sentences, six emotions, 7,442 utterances.

    `1001_DFA_ANG_XX.wav` is actor 1001, sentence DFA, emotion ANG (as acted), level XX
    (LO, MD, HI; XX is unspecified, once written X).
    """
    name = r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<emotion>)_(?:LO|MD|HI|XX?)"
    emotions = "ANG angry, DIS disgusted, FEA fearful, HAP happy, NEU neutral, SAD sad"
    return _read(folder, name, emotions, "CREMA-D names such as 1001_DFA_ANG_XX.wav")


def emodb(folder: Path) -> Corpus:
    """Reads EMO-DB, the Berlin Database of Emotional Speech.

    Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional
    speech, Interspeech 2005. Ten actors, ten sentences, seven emotions, 535 utterances.

    `03a01Fa.wav` is speaker 03, sentence a01, emotion F, take a; emotions are initials
    of the German words (Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral).
    """
    name = r"(?P<speaker>\d\d)(?P<text>[a-z]\d\d)(?P<emotion>)[a-z]?"
    emotions = "W angry, L bored, E disgusted, A fearful, F happy, T sad, N neutral"
    return _read(folder, name, emotions, "EMO-DB names such as 03a01Fa.wav")


def nemo(folder: Path) -> Corpus:
    """Reads nEMO: nine Polish actors, 90 sentences, six emotions, 4,481 utterances.

    Christop: nEMO: Dataset of Emotional Speech in Polish, LREC-COLING 2024.

    `WR0_surprised_64.wav` is speaker WR0, emotion surprised and sentence 64.
    """
    name = r"(?P<speaker>[A-Z]{2}\d)_(?P<emotion>)_(?P<text>\d\d?)"
    emotions = (
        "anger angry, fear fearful, happiness happy, neutral neutral, sadness sad, "
        "surprised surprised"
    )
    return _read(folder, name, emotions, "nEMO names such as WR0_surprised_64.wav")


def ravdess(folder: Path) -> Corpus:
    """Reads the speech of RAVDESS, the Ryerson Audio-Visual Database.

    Livingstone and Russo, PLOS ONE 13(5), 2018. 24 actors, two sentences, eight
    emotions, 1,440 utterances.

    `03-01-06-01-02-01-12.wav` is modality 03 (audio only), channel 01 (speech), emotion
    06, intensity 01, sentence 02, repetition 01, actor 12. Songs and sound tracks of
    the videos are left out: the latter are the same performances.
    """
    name = r"03-01-(?P<emotion>)-\d\d-(?P<text>\d\d)-\d\d-(?P<speaker>\d\d)"
    emotions = (
        "01 neutral, 02 calm, 03 happy, 04 sad, 05 angry, 06 fearful, 07 disgusted, "
        "08 surprised"
    )
    expected = "RAVDESS audio-only speech such as 03-01-06-01-02-01-12.wav"
    return _read(folder, name, emotions, expected)


def savee(folder: Path) -> Corpus:
    """Reads SAVEE, Surrey Audio-Visual Expressed Emotion.

    Haq and Jackson, Machine Audition: Principles, Algorithms and Systems, 2010. Four
    English men, seven emotions, 480 utterances: 15 in each and 30 neutral ones.

    `DC/a01.wav` as published, or `DC_a01.wav` as in copies, is speaker DC, emotion a
    and number 01, which counts within the emotion and does not identify the sentence
    (three are common to all emotions): so `text` is None.
    """
    name = r"(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>)(?P<number>\d\d)"
    emotions = (
        "a angry, d disgusted, f fearful, h happy, n neutral, sa sad, su surprised"
    )
    expected = "SAVEE names such as DC/a01.wav or DC_a01.wav"
    return _read(folder, name, emotions, expected, id="{speaker}_{emotion}{number}")


def tess(folder: Path) -> Corpus:
    """Reads TESS, the Toronto Emotional Speech Set.

    Pichora-Fuller and Dupuis, 2020, doi:10.5683/SP2/E8H2MF. Two actresses, 200 words,
    each within "Say the word ...", in seven emotions: 2,800 utterances.

    `OAF_back_angry.wav` is the older (OAF) or younger (YAF) speaker, the word and the
    emotion; ps is pleasant surprise. `OA_bite_neutral.wav` lacks its F, and a common
    copy holds the whole set twice, one inside the other.
    """
    name = r"(?P<speaker>[OY]A)F?_(?P<text>[A-Za-z]+)_(?P<emotion>)"
    emotions = (
        "angry angry, disgust disgusted, fear fearful, happy happy, neutral neutral, "
        "ps surprised, sad sad"
    )
    expected = "TESS names such as OAF_back_angry.wav"
    id, speaker = "{speaker}F_{text}_{emotion}", "{speaker}F"
    return _read(folder, name, emotions, expected, id, speaker)


def _read(
    folder: Path,
    pattern: str,
    emotions: str,
    expected: str,
    id: str = "{stem}",
    speaker: str = "{speaker}",
) -> Corpus:
    """Reads the wavs whose names follow a pattern.

    The pattern matches a whole name, "03a01Fa", or, with a slash, that of the folder
    too, "DC/a01". It has the groups speaker, text where the sentence is known, and
    emotion, left empty for any key of `emotions`; they format id and speaker.
    """
    canonical = dict(pair.split() for pair in emotions.split(", "))
    pattern = pattern.replace("(?P<emotion>)", f"(?P<emotion>{'|'.join(canonical)})")
    name = re.compile(rf"(?:^|/)(?:{pattern})\Z", re.ASCII)
    utterances: dict[str, Utterance] = {}
    strangers, copies = [], []
    for wav in find_wavs(folder):
        match = name.search(f"{wav.parent.name}/{wav.stem}")
        if match is None:
            strangers.append(wav.relative_to(folder))
            continue
        groups = match.groupdict()
        key = id.format(stem=wav.stem, **groups)
        if key in utterances:
            copies.append(wav.relative_to(folder))
            continue
        utterances[key] = Utterance(
            id=key,
            file=wav,
            speaker=speaker.format(**groups),
            emotion=canonical[groups["emotion"]],
            text=groups.get("text"),
        )
    if not utterances:
        raise InputError(f"{folder}: expected {expected}; found none")
    left_out = notes(
        (f"wavs left out, not {expected}", strangers),
        ("wavs left out, second copies by their names", copies),
    )
    return Corpus([utterances[key] for key in sorted(utterances)], [*left_out])
