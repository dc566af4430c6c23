from dataclasses import replace

import numpy as np
import pytest
import toys

from vladser.data import folds
from vladser.errors import InputError


def _speakers(corpus, rows):
    return {corpus.speakers[code] for code in corpus.speaker[rows]}


def test_leave_one_speaker_out():
    corpus = toys.corpus(speakers=6)
    made = folds.make(corpus, "speaker")
    assert [fold.held_out for fold in made] == list(corpus.speakers)
    for fold in made:
        assert _speakers(corpus, fold.test) == {fold.held_out}
        assert _speakers(corpus, fold.train) == set(corpus.speakers) - {fold.held_out}
        assert len(fold.validation) == 0
        assert len(fold.train) + len(fold.test) == len(corpus.label)


def test_the_partner_validates_and_is_not_trained_on():
    corpus = toys.corpus(speakers=6)
    partners = {f"s{n}": f"s{n ^ 1}" for n in range(6)}
    for fold in folds.make(corpus, "speaker", "partner"):
        assert _speakers(corpus, fold.validation) == {partners[fold.held_out]}
        left = set(corpus.speakers) - {fold.held_out, partners[fold.held_out]}
        assert _speakers(corpus, fold.train) == left


def test_leave_one_session_out():
    corpus = toys.corpus(speakers=6)
    made = folds.make(corpus, "session")
    assert [fold.held_out for fold in made] == ["session0", "session1", "session2"]
    assert _speakers(corpus, made[1].test) == {"s2", "s3"}
    assert _speakers(corpus, made[1].train) == {"s0", "s1", "s4", "s5"}


def test_a_speaker_of_two_sessions_is_never_trained_on_while_tested():
    corpus = toys.corpus(speakers=6)
    session = corpus.session.copy()
    session[np.flatnonzero(corpus.speaker == 2)[0]] = 0
    corpus = replace(corpus, session=session)
    for code, fold in enumerate(folds.make(corpus, "session")):
        np.testing.assert_array_equal(fold.test, np.flatnonzero(session == code))
        tested = {corpus.speaker[row] for row in fold.test}
        others = [n for n, s in enumerate(corpus.speaker) if s not in tested]
        np.testing.assert_array_equal(fold.train, others)
        assert len(fold.validation) == 0


def test_every_row_is_in_one_part_and_in_order():
    corpus = toys.corpus(speakers=6)
    for hold_out, validation in (
        ("speaker", "none"),
        ("speaker", "partner"),
        ("session", "none"),
        ("none", "none"),
    ):
        for fold in folds.make(corpus, hold_out, validation):
            for part in fold[1:]:
                assert (np.diff(part) > 0).all()
            assert sorted(np.concatenate(fold[1:])) == [*range(len(corpus.label))]


def test_holding_out_nobody_trains_on_all():
    corpus = toys.corpus()
    (fold,) = folds.make(corpus, "none")
    np.testing.assert_array_equal(fold.train, np.arange(len(corpus.label)))
    assert fold.held_out == "nobody" and len(fold.validation) == len(fold.test) == 0


def test_two_emotions_are_enough_and_one_is_not():
    corpus = toys.corpus(speakers=2)
    two = replace(corpus, label=np.where(corpus.label == 2, 2, 0))
    assert len(folds.make(two, "speaker")) == 2
    # What s1 says is all of one emotion: nothing is to be learnt without s0.
    one = replace(corpus, label=np.where(corpus.speaker == 1, 2, corpus.label))
    with pytest.raises(InputError, match="holding out s0 leaves fewer than two"):
        folds.make(one, "speaker")


def _with_split(train, validation, test):
    corpus = toys.corpus(speakers=3)
    names = np.array([train, validation, test])
    return replace(corpus, split=names[corpus.speaker])


def test_the_corpus_own_split():
    corpus = _with_split("train", "validation", "test")
    (fold,) = folds.make(corpus, "split")
    assert _speakers(corpus, fold.train) == {"s0"}
    assert _speakers(corpus, fold.validation) == {"s1"}
    assert _speakers(corpus, fold.test) == {"s2"}


def test_wrong_use_is_refused():
    corpus = toys.corpus()
    alone = replace(corpus, session=np.full_like(corpus.session, -1), sessions=())
    three = replace(corpus, session=np.zeros_like(corpus.session))
    mixed = _with_split("train", "test", "test")
    mixed.split[0] = "test"
    chosen = _with_split("train", "validation", "test")
    chosen.split[np.flatnonzero(chosen.speaker == 1)[0]] = "test"
    half = corpus.session.copy()
    half[:3] = -1
    some = replace(corpus, session=half)
    two = corpus.session.copy()
    two[np.flatnonzero(corpus.speaker == 1)[0]] = 1  # s1 is in both
    single = corpus.session.copy()
    single[corpus.speaker == 1] = 1
    one = toys.corpus(speakers=1)
    for wrong, hold_out, validation, says in [
        (alone, "speaker", "partner", "belongs to no single session"),
        (three, "speaker", "partner", "has 4 speakers, not 2"),
        (corpus, "session", "partner", "needs hold_out=speaker"),
        (alone, "session", "none", "have no session"),
        (some, "session", "none", f"3 of {len(half)} utterances have no session"),
        (some, "speaker", "partner", "s0 belongs to no single session"),
        (replace(corpus, session=two), "speaker", "partner", "s1 belongs to no single"),
        (replace(corpus, session=single), "speaker", "partner", "s0 has 1 speakers"),
        (corpus, "split", "none", "no utterances of split train"),
        (_with_split("train", "", ""), "split", "none", "of split test"),
        (_with_split("", "", "test"), "split", "none", "of split train"),
        (mixed, "split", "none", r"1 speakers are both trained on and tested \(s0\)"),
        (chosen, "split", "none", r"1 speakers are both trained on and tested \(s1\)"),
        (one, "speaker", "none", "fewer than two emotions"),
        (corpus, "speakers", "none", "unknown 'speakers': one of speaker, session"),
        (corpus, "speaker", "Partner", "unknown 'Partner': one of none, partner"),
    ]:
        with pytest.raises(InputError, match=says):
            folds.make(wrong, hold_out, validation)
