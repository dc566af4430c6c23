"""Corpora of acted speech whose folders tell speaker or emotion, a function each.

The archive's folders have to stay as they are, at any depth. Paths of another pattern
and second copies of a recording are left out and noted.
"""

from dataclasses import replace
from pathlib import Path

from vladser.corpora import patterns
from vladser.types import Corpus

_SENTENCES = 350  # of ESD, in each language


def casia(folder: Path) -> Corpus:
    """Reads CASIA, the Chinese corpus of the Institute of Automation, as it is shared.

    The shared part has four speakers, 50 sentences and six emotions, 1,200 utterances;
    the whole, of 9,600, is sold.

    `liuchanhg/angry/201.wav` is the speaker, the emotion and the sentence, which all
    say in all emotions.
    """
    speakers = "liuchanhg|wangzhe|zhaoquanyin|zhaozuoxiang"
    name = rf"(?P<speaker>{speakers})/(?P<emotion>)/(?P<text>\d{{3}})"
    emotions = (
        "angry angry, fear fearful, happy happy, neutral neutral, sad sad, "
        "surprise surprised"
    )
    expected = "CASIA paths such as liuchanhg/angry/201.wav"
    id = "{speaker}_{emotion}_{text}"
    return patterns.read(folder, name, emotions, expected, id)


def emovdb(folder: Path) -> Corpus:
    """Reads EmoV-DB, the Emotional Voices Database.

    Adigwe, Tits, El Haddad, Ostadabbas, Dutoit, arXiv:1806.09514, 2018. Four speakers
    of English (one, josh, is neither angry nor disgusted), sentences of CMU Arctic,
    five emotions, about 6,900 utterances.

    `bea_Amused/amused_1-28_0001.wav`, or in the sorted release the same in
    `bea/Amused/`, is speaker bea, emotion Amused and sentence 0001. The emotion is that
    of the folder.
    """
    name = r"(?P<speaker>bea|jenie|josh|sam)[_/](?P<emotion>)/[^/]*_(?P<text>\d{4})"
    emotions = (
        "Amused amused, amused amused, Angry angry, angry angry, Anger angry, "
        "anger angry, Disgusted disgusted, disgusted disgusted, Disgust disgusted, "
        "disgust disgusted, Neutral neutral, neutral neutral, Sleepy sleepy, "
        "sleepy sleepy, Sleepiness sleepy, sleepiness sleepy"
    )
    expected = "EmoV-DB paths such as bea_Amused/amused_1-28_0001.wav"
    return patterns.read(folder, name, emotions, expected, "{speaker}_{stem}")


def enterface(folder: Path) -> Corpus:
    """Reads eNTERFACE'05: 44 subjects speak English, five sentences in each emotion.

    Martin, Kotsia, Macq, Pitas: The eNTERFACE'05 audio-visual emotion database, ICDE
    Workshops 2006. Six emotions, none of them neutral, about 1,290 utterances.

    `subject 1/anger/sentence 1/s1_an_1.avi` is the subject, the emotion and sentence 1
    of that emotion. The subject is that of the folder: the files of subject 11 are
    called s12. Those of subject 6 hold five sentences each (`s6_an.avi`) and are left
    out. Wavs that were made of the videos, beside them or in such folders, will do.
    """
    name = (
        r"subject (?P<speaker>\d+)/(?P<folder>anger|disgust|fear|happiness|sadness|"
        r"surprise)/(?:sentence \d/)?s_?\d+_(?P<emotion>)_(?P<text>\d)(?:avi)?"
    )
    emotions = "an angry, di disgusted, fe fearful, ha happy, sa sad, su surprised"
    expected = "eNTERFACE paths such as subject 1/anger/sentence 1/s1_an_1.avi"
    return patterns.read(
        folder,
        name,
        emotions,
        expected,
        id="{speaker}_{emotion}_{text}",
        text="{emotion}{text}",
        suffixes=(".wav", ".avi"),
    )


def esd(folder: Path) -> Corpus:
    """Reads ESD, the Emotional Speech Database, in English and Mandarin.

    Zhou, Sisman, Liu, Li: Emotional voice conversion: theory, databases and ESD, Speech
    Communication 137, 2022. Ten speakers of each language, 350 sentences, five
    emotions, 35,000 utterances.

    `0011/Angry/train/0011_000351.wav`, or the same without train, evaluation or test,
    is speaker 0011, emotion Angry and utterance 351. Its lists spell emotions in
    several languages and encodings: the folder's name counts. Those parts share all
    speakers, and are no `split`. Utterances n and n + 350 of a language are of the same
    sentence, by the published readers.
    """
    name = (
        r"(?P<emotion>)/(?:(?:train|evaluation|test)/)?"
        r"(?P<speaker>\d{4})_(?P<text>\d{6})"
    )
    emotions = "Angry angry, Happy happy, Neutral neutral, Sad sad, Surprise surprised"
    expected = "ESD paths such as 0011/Angry/0011_000351.wav"
    utterances, notes = patterns.read(folder, name, emotions, expected)
    return Corpus([replace(u, text=_sentence(u.id)) for u in utterances], notes)


def _sentence(id: str) -> str:
    """Returns the sentence of an utterance of ESD: "0011_000351" -> "English 1"."""
    speaker, number = map(int, id.split("_"))
    language = "Mandarin" if speaker <= 10 else "English"
    return f"{language} {(number - 1) % _SENTENCES + 1}"
