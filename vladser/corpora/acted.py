"""Corpora of acted speech whose file names tell speaker and emotion, a function each.

Their wavs are found at any depth, so that the folders of the archive may stay. Names of
another pattern and second copies of a recording are left out and noted. Corpora whose
folders tell more than the names are in `folders`.
"""

from pathlib import Path

from vladser.corpora import patterns
from vladser.types import Corpus


def aesdd(folder: Path) -> Corpus:
    """Reads AESDD, the Acted Emotional Speech Dynamic Database.

    Vryzas, Kotsakis, Liatsou, Dimoulas, Kalliris: Speech emotion recognition for
    performance interaction, Journal of the Audio Engineering Society 66(6), 2018. Greek
    actors, five emotions, about 600 utterances.

    `a03 (3).wav` is emotion a, sentence 03 and, in brackets, speaker 3.
    """
    name = r"(?P<emotion>)(?P<text>\d\d) \((?P<speaker>\d+)\)"
    emotions = "a angry, d disgusted, f fearful, h happy, s sad"
    return patterns.read(folder, name, emotions, "AESDD names such as a03 (3).wav")


def cremad(folder: Path) -> Corpus:
    """Reads CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset.

    Cao, Cooper, Keutmann, Gur, Nenkova, Verma, IEEE Transactions on Affective Computing
    5(4), 2014. 91 actors, twelve sentences, six emotions, 7,442 utterances.

    `1001_DFA_ANG_XX.wav` is actor 1001, sentence DFA, emotion ANG (as acted), level XX
    (LO, MD, HI; XX is unspecified, once written X).
    """
    name = r"(?P<speaker>\d{4})_(?P<text>[A-Z]{3})_(?P<emotion>)_(?:LO|MD|HI|XX?)"
    emotions = "ANG angry, DIS disgusted, FEA fearful, HAP happy, NEU neutral, SAD sad"
    return patterns.read(
        folder, name, emotions, "CREMA-D names such as 1001_DFA_ANG_XX.wav"
    )


def emodb(folder: Path) -> Corpus:
    """Reads EMO-DB, the Berlin Database of Emotional Speech.

    Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional
    speech, Interspeech 2005. Ten actors, ten sentences, seven emotions, 535 utterances.

    `03a01Fa.wav` is speaker 03, sentence a01, emotion F, take a; emotions are initials
    of the German words (Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral).
    """
    name = r"(?P<speaker>\d\d)(?P<text>[a-z]\d\d)(?P<emotion>)[a-z]?"
    emotions = "W angry, L bored, E disgusted, A fearful, F happy, T sad, N neutral"
    return patterns.read(folder, name, emotions, "EMO-DB names such as 03a01Fa.wav")


def emovo(folder: Path) -> Corpus:
    """Reads EMOVO, the Italian Emotional Speech Database.

    Costantini, Iaderola, Paoloni, Todisco: EMOVO Corpus, LREC 2014. Six actors, 14
    sentences, seven emotions, 588 utterances.

    `gio-f2-b2.wav` is emotion gio, speaker f2 and sentence b2; emotions are the first
    letters of the Italian words.
    """
    name = r"(?P<emotion>)-(?P<speaker>[fm]\d)-(?P<text>[a-z]\d)"
    emotions = (
        "dis disgusted, gio happy, neu neutral, pau fearful, rab angry, "
        "sor surprised, tri sad"
    )
    return patterns.read(folder, name, emotions, "EMOVO names such as gio-f2-b2.wav")


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
    return patterns.read(
        folder, name, emotions, "nEMO names such as WR0_surprised_64.wav"
    )


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
    return patterns.read(folder, name, emotions, expected)


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
    return patterns.read(
        folder, name, emotions, expected, id="{speaker}_{emotion}{number}"
    )


def shemo(folder: Path) -> Corpus:
    """Reads ShEMO, the Sharif Emotional Speech Database: Persian radio plays.

    Mohamad Nezami, Jamshid Lou, Karami, Language Resources and Evaluation 53, 2019. 87
    speakers, six emotions, 3,000 utterances.

    `M36S02.wav` is the man 36, emotion S and number 02, which counts within both; W is
    surprise. Men and women are numbered apart: the speaker is M36.
    """
    name = r"(?P<speaker>[FM]\d\d)(?P<emotion>)\d\d+"
    emotions = "A angry, F fearful, H happy, N neutral, S sad, W surprised"
    return patterns.read(folder, name, emotions, "ShEMO names such as M36S02.wav")


def subesco(folder: Path) -> Corpus:
    """Reads SUBESCO, the SUST Bangla Emotional Speech Corpus.

    Sultana, Rahman, Selim, Iqbal, PLOS ONE 16(4), 2021. 20 actors, ten sentences, seven
    emotions, five takes of each: 7,000 utterances.

    `F_10_FAHMEE_S_6_FEAR_5.wav` is the woman 10 and her name, sentence 6, emotion FEAR
    and take 5. Men and women are numbered apart: the speaker is F_10.
    """
    name = r"(?P<speaker>[FM]_\d\d?)_[A-Za-z]+_S_(?P<text>\d\d?)_(?P<emotion>)_\d"
    emotions = (
        "ANGRY angry, DISGUST disgusted, FEAR fearful, HAPPY happy, NEUTRAL neutral, "
        "SAD sad, SURPRISE surprised"
    )
    expected = "SUBESCO names such as F_10_FAHMEE_S_6_FEAR_5.wav"
    return patterns.read(folder, name, emotions, expected)


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
    return patterns.read(folder, name, emotions, expected, id, speaker)
