"""Two corpora as one."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from vladser.corpora import cross, emotions
from vladser.data import dataset, folds
from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance

GROUPS = emotions.parse("angry,happy+excited")


def _corpus(folder, happy="happy", notes=()):
    """Two speakers with a take an emotion, in one session, each a split of its own."""
    utterances = [
        Utterance(f"{s}_{emotion}", folder / f"{s}_{emotion}", s, emotion, "t0", "a01")
        for s, emotion in product(("s0", "s1"), ("angry", happy))
    ]
    splits = {"s0": "train", "s1": "test"}
    return Corpus([replace(u, split=splits[u.speaker]) for u in utterances], [*notes])


def test_the_first_is_trained_on_and_the_second_tested(tmp_path):
    train = _corpus(tmp_path / "a", notes=["partial"])
    test = _corpus(tmp_path / "b", "excited", notes=["other"])
    joined = cross.join(train, test, "ours", "theirs")
    assert joined.notes == ["ours: partial", "theirs: other"]
    chosen, classes = emotions.select(joined, GROUPS, cross.SPLITS)
    features = {u.id: np.ones((3, 2), np.float32) for u in chosen.utterances}
    data = dataset.build(chosen.utterances, features, classes, "toy")
    (fold,) = folds.make(data, "split")
    ids = np.array(data.utterances)
    assert [*ids[fold.train]] == [f"ours:{u.id}" for u in train.utterances]
    assert [*ids[fold.test]] == [f"theirs:{u.id}" for u in test.utterances]
    assert data.speakers == ("ours:s0", "ours:s1", "theirs:s0", "theirs:s1")
    assert data.sessions == ("ours:t0", "theirs:t0")
    assert {u.text for u in joined.utterances} == {"ours:a01", "theirs:a01"}
    files = [u.file for side in (train, test) for u in side.utterances]
    assert [u.file for u in joined.utterances] == files


def test_unknown_speakers_of_both_are_nobody_in_common(tmp_path):
    sides = []
    for name in "ab":
        known, _, *unknown = _corpus(tmp_path / name).utterances
        nobody = [replace(u, speaker=UNKNOWN) for u in unknown]
        sides.append(Corpus([known, *nobody], []))
    joined = cross.join(*sides, "ours", "theirs")
    features = {u.id: np.ones((3, 2), np.float32) for u in joined.utterances}
    data = dataset.build(joined.utterances, features, ("angry", "happy"), "toy")
    assert data.speakers == (UNKNOWN, "ours:s0", "theirs:s0")
    (fold,) = folds.make(data, "split")
    assert [*fold.train, *fold.test] == [0, 1, 2, 3, 4, 5]


def test_two_of_one_name_are_kept_apart_but_for_their_sentences(tmp_path):
    ours = _corpus(tmp_path / "a")
    bare = Corpus([Utterance("a", tmp_path / "a.wav", "s0", "angry")], [])
    *others, last = cross.join(ours, bare, "manifest", "manifest").utterances
    assert {u.id for u in others} == {f"manifest-train:{u.id}" for u in ours.utterances}
    assert {u.speaker for u in others} == {"manifest-train:s0", "manifest-train:s1"}
    assert {u.text for u in others} == {"manifest:a01"}
    # What a corpus does not know stays unknown.
    assert last.speaker == "manifest-test:s0" and last.session is last.text is None


def test_the_same_files_twice_are_refused(tmp_path):
    one = _corpus(tmp_path / "a")
    with pytest.raises(InputError, match="4 utterances are in both corpora, such as"):
        cross.join(one, one, "manifest", "manifest")


@pytest.mark.parametrize(("train", "test"), [("sad", "happy"), ("happy", "sad")])
def test_both_sides_need_every_class(tmp_path, train, test):
    sides = _corpus(tmp_path / "a", train), _corpus(tmp_path / "b", test)
    joined = cross.join(*sides, "ours", "theirs")
    lacking = "train" if train == "sad" else "test"
    says = rf"emotion happy\+excited: no utterance to {lacking} on; .* angry 2, sad 2$"
    with pytest.raises(InputError, match=says):
        emotions.select(joined, GROUPS, cross.SPLITS)
