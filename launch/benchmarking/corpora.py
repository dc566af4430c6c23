"""The corpora of the benchmark: real features where they are at hand, else noise of a
real corpus's speakers, classes and lengths."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from launch.benchmarking import lengths
from vladser.corpora import emotions, readers
from vladser.corpora import iemocap as iemocap_corpus
from vladser.data import dataset
from vladser.features import extraction
from vladser.types import Dataset, Utterance

CLASSES = iemocap_corpus.CLASSES
FEATURES = 147

# Utterances of each speaker by class, in the order of CLASSES.
EMODB = {
    "03": (14, 7, 7, 11),
    "08": (12, 11, 9, 10),
    "09": (13, 4, 4, 9),
    "10": (10, 4, 3, 4),
    "11": (11, 8, 7, 9),
    "12": (12, 2, 4, 4),
    "13": (12, 10, 5, 9),
    "14": (16, 8, 10, 7),
    "15": (13, 6, 4, 11),
    "16": (14, 11, 9, 5),
}


def emodb(data_dir: Path | None, cache_dir: Path) -> Dataset:
    """EMO-DB's four classes; without its folder, noise of lengths like its own."""
    if data_dir is None:
        like = lengths.lognormal(339, median=254, longest=893, total=93_847)
        return noise(EMODB, like)
    found = readers.read("emodb", data_dir)
    chosen, classes = emotions.select(found, tuple((name,) for name in CLASSES))
    smile = extraction.extract(chosen.utterances, cache_dir)
    return dataset.build(chosen.utterances, smile.features, classes, smile.feature_set)


def iemocap() -> Dataset:
    """Noise with the speakers and classes of IEMOCAP's 5,531 utterances and lengths
    that meet its median of 3.6 s, longest of 34.1 s and total of 6.99 h, in frames of
    10 ms."""
    like = lengths.lognormal(5531, median=360, longest=3410, total=2_516_400)
    return noise(iemocap_corpus.COUNTS, like)


def equal(length: int) -> Dataset:
    """10 speakers' noise, all utterances of one length: every minibatch is full, for a
    fold trains on 288."""
    speakers = {f"{speaker:02}": (8, 8, 8, 8) for speaker in range(10)}
    return noise(speakers, np.full(320, length))


def noise(counts: Mapping[str, Sequence[int]], lengths: np.ndarray) -> Dataset:
    """A corpus of normally distributed features.

    Args:
      counts: utterances of each speaker by class.
      lengths: [N] of them all, in frames.
    """
    draw = np.random.default_rng(0)
    frames = draw.standard_normal((int(lengths.sum()), FEATURES), np.float32)
    utterances = [
        Utterance(f"{speaker}_{emotion}_{take}", Path(), speaker, emotion)
        for speaker, numbers in counts.items()
        for emotion, number in zip(CLASSES, numbers, strict=True)
        for take in range(number)
    ]
    parts = np.split(frames, np.cumsum(lengths)[:-1])
    arrays = {u.id: part for u, part in zip(utterances, parts, strict=True)}
    return dataset.build(utterances, arrays, CLASSES, "noise")
