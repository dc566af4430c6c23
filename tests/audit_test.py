"""What a corpus and its folds say by themselves."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toys

from vladser.corpora import acted, emotions
from vladser.corpora.iemocap import COUNTS
from vladser.data import dataset, folds
from vladser.evaluation.audit import checks
from vladser.types import Utterance


def _utterances(corpus, text=lambda row: None):
    return [
        Utterance(name, Path(name), "", "", text=text(row))
        for row, name in enumerate(corpus.utterances)
    ]


def _audit(corpus, made=None, text=lambda row: None, name="toy"):
    """Findings by check."""
    made = made or folds.make(corpus, "speaker")
    found = checks.corpus(corpus, _utterances(corpus, text), made, name)
    assert all("\n" not in one.text for one in found)
    return {one.check: one for one in found}


def _without_sessions(corpus):
    return replace(corpus, session=np.full_like(corpus.session, -1), sessions=())


def test_a_clean_corpus_is_ok():
    corpus = toys.corpus()
    corpus = replace(corpus, session=corpus.speaker, sessions=corpus.speakers)
    found = _audit(corpus, text=lambda row: corpus.speakers[corpus.speaker[row]])
    assert {one.level for one in found.values()} == {"ok"}
    assert {one.count for one in found.values()} == {0}


def test_what_is_not_known_is_not_called_well():
    found = _audit(_without_sessions(toys.corpus()))
    assert found["train_sessions"].level == "warning"
    assert "sessions that test and training share: not known" in (
        found["train_sessions"].text
    )


def test_a_shared_speaker_is_an_error():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker")
    made[2] = made[2]._replace(train=np.append(made[2].train, made[2].test[0]))
    found = _audit(corpus, made)["train_speakers"]
    tests = len(made[2].test)
    assert found[:3] == ("train_speakers", "error", tests)
    assert "1 of 4 folds: speakers of the test set are also in the tr" in found.text
    assert f"({tests} of {len(corpus.label)} test utterances)" in found.text


def test_a_speaker_who_validates_their_own_test_is_an_error():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker", "partner")
    assert _audit(corpus, made)["validation_speakers"].level == "ok"
    made[0] = made[0]._replace(validation=made[0].test[:1])
    found = _audit(corpus, made)["validation_speakers"]
    assert (found.level, found.count) == ("error", len(made[0].test))


def test_the_partner_in_the_session_is_counted_where_they_are():
    corpus = toys.corpus(speakers=6)
    everyone = len(corpus.label)
    alone = _audit(corpus)["train_sessions"]
    assert (alone.level, alone.count) == ("warning", everyone)
    assert alone.text.startswith("6 of 6 folds: sessions of the test set are also in")
    found = _audit(corpus, folds.make(corpus, "speaker", "partner"))
    assert found["train_sessions"].level == "ok"
    assert found["validation_sessions"][1:3] == ("warning", everyone)
    assert _audit(corpus, folds.make(corpus, "session"))["train_sessions"].count == 0


def test_shared_sentences_are_counted_and_unknown_ones_said():
    corpus = toys.corpus()
    mine = np.flatnonzero(corpus.speaker == 1)[:2]
    theirs = np.flatnonzero(corpus.speaker == 3)[:1]

    def text(row):
        if row in (*mine, *theirs):
            return "a01"
        return f"own {corpus.speaker[row]}" if corpus.speaker[row] else None

    found = _audit(corpus, text=text)["train_sentences"]
    assert (found.level, found.count) == ("warning", 3)
    unknown = np.sum(corpus.speaker == 0)
    assert found.text.startswith("2 of 4 folds: sentences of the test set")
    assert found.text.endswith(
        f"not known of {unknown} of {len(corpus.label)} utterances"
    )
    assert _audit(corpus)["train_sentences"][1:3] == ("warning", 0)


def _copy(corpus, source, target):
    """The same recording at two places."""
    frames, length = corpus.frames.copy(), corpus.length.copy()
    length[target] = length[source]
    offset = np.concatenate([[0], np.cumsum(length)[:-1]])
    frames = np.concatenate([frames, frames])  # room enough
    for row in range(len(length)):
        old = slice(corpus.offset[row], corpus.offset[row] + length[row])
        frames[offset[row] : offset[row] + length[row]] = corpus.frames[old]
    start = corpus.offset[source]
    frames[offset[target] : offset[target] + length[target]] = corpus.frames[
        start : start + length[source]
    ]
    return replace(corpus, frames=frames, length=length, offset=offset)


@pytest.mark.parametrize(
    ("target", "trained", "emotions", "speakers"),
    [("s0_angry_1", 0, 0, 0), ("s0_sad_0", 0, 1, 0), ("s1_angry_0", 2, 0, 1)],
)
def test_the_same_recording_under_two_names(target, trained, emotions, speakers):
    corpus = toys.corpus()
    names = corpus.utterances
    found = _audit(_copy(corpus, 0, names.index(target)))["duplicate_audio"]
    assert (found.level, found.count) == ("warning", 2)
    assert (
        f"2 utterances have the audio of another: s0_angry_0 = {target};" in found.text
    )
    assert f"; {trained} of {len(names)} test utterances are trained on" in found.text
    assert (
        f"several emotions: {emotions}, with several speakers: {speakers}" in found.text
    )


def test_utterances_alike_in_their_middle_alone_are_no_duplicates():
    corpus = toys.corpus()
    corpus = _copy(corpus, 0, 1)
    corpus.frames[corpus.offset[1]] += 1
    assert _audit(corpus)["duplicate_audio"].level == "ok"


def test_emotions_that_hang_on_a_speaker():
    corpus = toys.corpus()
    label = corpus.label.copy()
    label[corpus.speaker == 0] = 1
    label[(corpus.speaker > 1) & (label == 3)] = 0
    found = _audit(replace(corpus, label=label))
    speakers = found["speakers_of_one_emotion"]
    assert speakers[1:3] == ("warning", 1)
    assert speakers.text == "1 of 4 speakers with one emotion only: s0 (happy)"
    classes = found["emotions_of_one_speaker"]
    assert classes[1:3] == ("warning", 1) and classes.text.endswith(
        "only: neutral (s1)"
    )
    tests = found["tests_without_an_emotion"]
    assert tests[1:3] == ("warning", 3) and "3 of 4 folds test without" in tests.text
    assert "s0 (no angry, sad, neutral), s2 (no neutral), s3" in tests.text


def _iemocap(counts):
    rows = [
        (name, label)
        for name, row in counts.items()
        for label, count in enumerate(row)
        for _ in range(count)
    ]
    utterances = [
        Utterance(f"u{n}", Path(), name, toys.EMOTIONS[label])
        for n, (name, label) in enumerate(rows)
    ]
    frames = {u.id: np.float32([[n]]) for n, u in enumerate(utterances)}
    return dataset.build(utterances, frames, toys.EMOTIONS, "toy")


@pytest.mark.slow
def test_iemocap_has_the_counts_of_the_literature():
    found = _audit(_iemocap(COUNTS), name="iemocap")["published_counts"]
    assert found.level == "ok" and "5,531" in found.text
    prefixed = {f"iemocap:{name}": row for name, row in COUNTS.items()}
    both = _iemocap(prefixed | {"emodb:03": (1, 1, 1, 1)})
    assert _audit(both, name="emodb")["published_counts"].level == "ok"


def test_a_partial_iemocap_is_counted_by_speaker():
    part = {name: row for name, row in COUNTS.items() if name < "Ses05"}
    part["Ses01F"] = (147, 132, 77, 171)
    found = _audit(_iemocap(part), name="iemocap")["published_counts"]
    assert (found.level, found.count) == ("warning", 3)
    assert found.text.startswith("4,289 utterances, where the literature has 5,531")
    assert found.text.endswith("3 of 10 speakers differ: Ses01F, Ses05F, Ses05M")


@pytest.mark.slow
def test_counts_of_other_corpora_and_classes_are_not_compared():
    corpus = _iemocap(COUNTS)
    assert "published_counts" not in _audit(corpus, name="emodb")
    bored = replace(corpus, emotions=("angry", "happy", "sad", "bored"))
    assert "published_counts" not in _audit(bored, name="iemocap")


@pytest.mark.skipif("VLADSER_EMODB" not in os.environ, reason="needs EMO-DB")
def test_emodb_shares_its_sentences_and_nothing_else():
    corpus = acted.emodb(Path(os.environ["VLADSER_EMODB"]))
    chosen, classes = emotions.select(corpus, emotions.parse("angry,happy,sad,neutral"))
    frames = {u.id: np.float32([[n]]) for n, u in enumerate(chosen.utterances)}
    data = dataset.build(chosen.utterances, frames, classes, "toy")
    made = folds.make(data, "speaker")
    found = checks.corpus(data, chosen.utterances, made, "emodb")
    worth = [one.check for one in found if one.level != "ok"]
    assert worth == ["train_sessions", "train_sentences"]  # it names no sessions
    (sentences,) = (one for one in found if one.check == "train_sentences")
    assert sentences.count == len(data.label) == 339
