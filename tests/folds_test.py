from dataclasses import replace

import numpy as np
import pytest
import toys

from vladser import folds
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
    for fold in folds.make(replace(corpus, session=session), "session"):
        assert not _speakers(corpus, fold.test) & _speakers(corpus, fold.train)


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
    one = toys.corpus(speakers=1)
    for wrong, hold_out, validation, says in [
        (alone, "speaker", "partner", "belongs to no single session"),
        (three, "speaker", "partner", "has 4 speakers, not 2"),
        (corpus, "session", "partner", "needs hold_out=speaker"),
        (alone, "session", "none", "have no session"),
        (corpus, "split", "none", "no utterances of split train"),
        (mixed, "split", "none", "1 speakers are both trained on and tested"),
        (one, "speaker", "none", "fewer than two emotions"),
        (corpus, "speakers", "none", "unknown 'speakers': one of speaker, session"),
        (corpus, "speaker", "Partner", "unknown 'Partner': one of none, partner"),
    ]:
        with pytest.raises(InputError, match=says):
            folds.make(wrong, hold_out, validation)
