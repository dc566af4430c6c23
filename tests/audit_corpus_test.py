"""What a corpus and its folds say by themselves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toys

from vladser.corpora.iemocap import COUNTS
from vladser.data import dataset, folds
from vladser.evaluation.audit import corpus as audit
from vladser.types import UNKNOWN, Utterance


def _audit(corpus, made=None, text=lambda row: None, name="toy"):
    """Findings by check."""
    utterances = [
        Utterance(name, Path(name), "", "", text=text(row))
        for row, name in enumerate(corpus.utterances)
    ]
    made = made or folds.make(corpus, "speaker")
    found = audit.findings(corpus, utterances, made, name)
    assert all("\n" not in finding.text for finding in found)
    return {finding.check: finding for finding in found}


def test_a_clean_corpus_is_ok():
    corpus = toys.corpus()
    corpus = replace(corpus, session=corpus.speaker, sessions=corpus.speakers)
    found = _audit(corpus, text=lambda row: corpus.speakers[corpus.speaker[row]])
    assert {finding[1:3] for finding in found.values()} == {("ok", 0)}


def test_a_shared_speaker_is_an_error():
    corpus = toys.corpus()
    made = folds.make(corpus, "speaker", "partner")
    assert _audit(corpus, made)["validation_speakers"].level == "ok"
    test, tests = made[2].test, len(made[2].test)
    made[2] = made[2]._replace(
        train=np.append(made[2].train, test[0]), validation=test[:1]
    )
    found = _audit(corpus, made)
    for part, name in ("train", "training"), ("validation", "validation"):
        assert found[f"{part}_speakers"][1:] == (
            "error",
            tests,
            "1 of 4 folds: speakers of the test set are also in the "
            f"{name} set ({tests} of {len(corpus.label)} test utterances)",
        )


def test_unknown_speakers_are_a_warning_wherever_they_are():
    corpus = toys.corpus()
    names = ("s0", UNKNOWN, "s2", "s3")
    corpus = replace(corpus, speakers=names)
    count = int((corpus.speaker == 1).sum())
    found = _audit(corpus)["unknown_speakers"]
    assert found.level == "warning" and found.count == count
    assert "3 of 3 folds train on some" in found.text and "; 0 test some" in found.text
    every = np.arange(len(corpus.label))
    rows = np.flatnonzero(corpus.speaker == 1)
    mixed = folds.Fold("test", np.setdiff1d(every, rows[0]), rows[:0], rows[:1])
    found = _audit(corpus, [mixed])
    assert "1 of 1 folds train on some" in found["unknown_speakers"].text
    assert "; 1 test some" in found["unknown_speakers"].text
    assert found["train_speakers"].level == "warning"  # not an error, nor certain


def test_a_speaker_whom_the_corpus_own_split_shares_is_a_warning_that_names_them():
    corpus = toys.corpus()
    split = np.array(["train", "validation", "test1", "test2"])[corpus.speaker]
    shared = np.flatnonzero(corpus.speaker == 1)[:3]
    split[shared] = "test2"
    corpus = replace(corpus, split=split)
    made = folds.make(corpus, "split", "split")
    found = _audit(corpus, made)
    assert found["train_speakers"][1:3] == ("ok", 0)
    level, count, text = found["validation_speakers"][1:]
    assert (level, count) == ("warning", 3)
    assert text.startswith("1 of 2 folds: speakers of the test set are also in the val")
    assert "1 of 3 test speakers (s1); the corpus's own split is not" in text
    # Not so where nobody prescribes it.
    own = [fold._replace(by_split=False) for fold in made]
    assert _audit(corpus, own)["validation_speakers"].level == "error"


def test_the_partner_in_the_session_is_counted_where_they_are():
    corpus = toys.corpus(speakers=6)
    everyone = len(corpus.label)
    alone = _audit(corpus)["train_sessions"]
    assert alone[1:3] == ("warning", everyone)
    assert alone.text.startswith("6 of 6 folds: sessions of the test set are also in")
    found = _audit(corpus, folds.make(corpus, "speaker", "partner"))
    assert found["train_sessions"].level == "ok"
    assert found["validation_sessions"][1:3] == ("warning", everyone)
    assert _audit(corpus, folds.make(corpus, "session"))["train_sessions"].count == 0


def test_shared_sentences_are_counted_and_unknown_ones_said():
    corpus = toys.corpus()
    shared = np.r_[
        np.flatnonzero(corpus.speaker == 1)[:2], np.flatnonzero(corpus.speaker == 3)[:1]
    ]

    def text(row):
        if row in shared:
            return "a01"
        return f"own {corpus.speaker[row]}" if corpus.speaker[row] else None

    found = _audit(corpus, text=text)["train_sentences"]
    assert found[1:3] == ("warning", 3)
    unknown = f"{np.sum(corpus.speaker == 0)} of {len(corpus.label)}"
    assert found.text.startswith("2 of 4 folds: sentences of the test set")
    assert found.text.endswith(f"not known of {unknown} utterances")
    nothing = _audit(corpus)["train_sentences"]  # and that is not called well
    assert nothing[1:3] == ("warning", 0)
    assert nothing.text.startswith("sentences that test and training share: not known")


@pytest.mark.parametrize(
    ("target", "trained", "emotions", "speakers"),
    [("s0_angry_1", 0, 0, 0), ("s0_sad_0", 0, 1, 0), ("s1_angry_0", 2, 0, 1)],
)
def test_the_same_recording_under_two_names(target, trained, emotions, speakers):
    corpus = toys.corpus(longest=5)  # all have 5 frames
    names = corpus.utterances
    start = corpus.offset[names.index(target)]
    corpus.frames[start : start + 5] = corpus.frames[:5]
    assert _audit(corpus)["duplicate_audio"][1:] == (
        "warning",
        2,
        f"2 utterances have the audio of another: s0_angry_0 = {target}; "
        f"{trained} of {len(names)} test utterances are trained on under another name; "
        f"recordings with several emotions: {emotions}, with several speakers: "
        f"{speakers}",
    )
    corpus.frames[0] += 1
    corpus = replace(corpus)  # since digests are kept
    assert _audit(corpus)["duplicate_audio"].level == "ok"


@pytest.mark.fault("names")
@pytest.mark.parametrize(
    ("speakers", "count", "said"),
    [
        (("spk1", "spk2", "spk10", "1spk"), 0, ""),
        (("ANNA", "anna", "an_na", "ben"), 3, ": 'ANNA' and 'an_na' and 'anna'"),
        (("A", "a", "B", "b"), 4, ": 'A' and 'a', 'B' and 'b'"),
    ],
)
def test_speakers_that_look_alike_may_be_one(speakers, count, said):
    found = _audit(replace(toys.corpus(), speakers=speakers))["speakers_alike"]
    assert found[1:] == (
        "warning" if count else "ok",
        count,
        f"{count} of 4 speakers may be one by their names{said}",
    )


def test_emotions_that_depend_on_a_speaker():
    corpus = toys.corpus()
    label = corpus.label.copy()
    label[corpus.speaker == 0] = 1
    label[(corpus.speaker > 1) & (label == 3)] = 0
    found = _audit(replace(corpus, label=label))
    for check, count, text in [
        ("speakers_of_one_emotion", 1, "1 of 4 speakers with one emotion only: s0 (h"),
        ("emotions_of_one_speaker", 1, "1 of 4 emotions from one speaker only: neutr"),
        ("tests_without_an_emotion", 3, "3 of 4 folds test without some emotion (UA "),
    ]:
        assert found[check][1:3] == ("warning", count)
        assert found[check].text.startswith(text)
    tests = "s0 (no angry, sad, neutral), s2 (no neutral), s3"
    assert tests in found["tests_without_an_emotion"].text


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
    corpus = _iemocap(COUNTS)
    found = _audit(corpus, name="iemocap")["published_counts"]
    assert found.level == "ok" and "5,531" in found.text
    prefixed = {f"iemocap:{name}": row for name, row in COUNTS.items()}
    both = _iemocap(prefixed | {"emodb:03": (1, 1, 1, 1)})
    assert _audit(both, name="emodb")["published_counts"].level == "ok"
    # Other corpora and classes are not compared.
    assert "published_counts" not in _audit(corpus, name="emodb")
    bored = replace(corpus, emotions=("angry", "happy", "sad", "bored"))
    assert "published_counts" not in _audit(bored, name="iemocap")


def test_a_partial_iemocap_is_counted_by_speaker():
    part = {name: row for name, row in COUNTS.items() if name < "Ses05"}
    part["Ses01F"] = (147, 132, 77, 171)
    found = _audit(_iemocap(part), name="iemocap")["published_counts"]
    assert found[1:3] == ("warning", 3)
    assert found.text.startswith("4,289 utterances, where the literature has 5,531")
    assert found.text.endswith("3 of 10 speakers differ: Ses01F, Ses05F, Ses05M")
