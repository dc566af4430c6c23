from dataclasses import replace

import numpy as np
import pytest
import toys

from vladser.data import folds
from vladser.errors import InputError
from vladser.types import UNKNOWN

pytestmark = pytest.mark.fault("protocol")


def _rows(corpus, *speakers):
    """Those of some speakers, in order."""
    names = np.array(corpus.speakers)[corpus.speaker]
    return np.flatnonzero(np.isin(names, speakers)).tolist()


@pytest.mark.parametrize("validation", ["none", "partner"])
def test_leave_one_speaker_out_and_the_partner_for_validation(validation):
    corpus = toys.corpus(speakers=6)
    made = folds.make(corpus, "speaker", validation)
    assert [fold.held_out for fold in made] == list(corpus.speakers)
    for number, fold in enumerate(made):
        held = [f"s{number ^ 1}"] if validation == "partner" else []
        left = {*corpus.speakers} - {fold.held_out, *held}
        expected = [_rows(corpus, *of) for of in (left, held, [fold.held_out])]
        assert [part.tolist() for part in fold[1:4]] == expected


@pytest.mark.parametrize("moved", [0, 1])
def test_leave_one_session_out_and_whoever_talks_in_it(moved):
    """Also where a speaker has an utterance in another session."""
    corpus = toys.corpus(speakers=6)
    session = corpus.session.copy()
    session[np.flatnonzero(corpus.speaker == 2)[:moved]] = 0
    made = folds.make(replace(corpus, session=session), "session")
    assert [fold.held_out for fold in made] == ["session0", "session1", "session2"]
    for code, fold in enumerate(made):
        np.testing.assert_array_equal(fold.test, np.flatnonzero(session == code))
        tested = {corpus.speaker[row] for row in fold.test}
        others = [n for n, s in enumerate(corpus.speaker) if s not in tested]
        np.testing.assert_array_equal(fold.train, others)
        assert len(fold.validation) == 0


def test_two_emotions_are_enough_and_one_is_not():
    corpus = toys.corpus(speakers=2)
    two = replace(corpus, label=np.where(corpus.label == 2, 2, 0))
    assert len(folds.make(two, "speaker")) == 2
    # What s1 says is all of one emotion: nothing is to be learnt without s0.
    one = replace(corpus, label=np.where(corpus.speaker == 1, 2, corpus.label))
    for corpus in one, toys.corpus(speakers=1):
        with pytest.raises(InputError, match="holding out s0 leaves fewer than two"):
            folds.make(corpus, "speaker")


def _with_split(train, validation, test, row=None):
    """A corpus whose speakers have a split each; one row is of the test split."""
    corpus = toys.corpus(speakers=3)
    split = np.array([train, validation, test])[corpus.speaker]
    split[slice(0) if row is None else row] = "test"
    return replace(corpus, split=split)


@pytest.mark.parametrize("validation", ["none", "split"])
def test_the_corpus_own_split_whose_validation_part_is_used_on_demand(validation):
    corpus = _with_split("train", "validation", "test")
    (fold,) = folds.make(corpus, "split", validation)
    assert fold.held_out == "test"
    sets = [_rows(corpus, speaker) for speaker in corpus.speakers]
    if validation == "none":
        sets[1] = []
    assert [part.tolist() for part in fold[1:4]] == sets


def test_test_parts_are_one_fold_that_is_told_by_part():
    corpus = _with_split("train", "test2", "test1")
    split = corpus.split.copy()
    mixed = _rows(corpus, "s1")[::3]  # a speaker may be in both parts
    split[mixed] = "test1"
    corpus = replace(corpus, split=split)
    (fold,) = folds.make(corpus, "split")
    assert (fold.held_out, fold.test.tolist()) == (
        "test1+test2",
        _rows(corpus, "s1", "s2"),
    )
    parts = folds.by_part(corpus, fold)
    assert {part.held_out: part.test.tolist() for part in parts} == {
        name: [n for n, of in enumerate(split) if of == name]
        for name in ("test1", "test2")
    }
    assert all(part.train is fold.train for part in parts)
    # What is held out otherwise is one part, whatever splits the corpus has.
    for other in folds.make(corpus, "speaker"):
        assert folds.by_part(corpus, other) == [other]


@pytest.mark.parametrize("validation", ["none", "split"])
def test_a_split_may_share_speakers_and_hides_what_it_tests(validation):
    corpus = _with_split("train", "validation", "test")
    split = corpus.split.copy()
    both = _rows(corpus, "s0")[:2] + _rows(corpus, "s1")[:1]
    split[both] = "test"
    corpus = replace(corpus, split=split)
    (fold,) = folds.make(corpus, "split", validation)
    seen = {corpus.speaker[n] for n in (*fold.train, *fold.validation)}
    tested = {corpus.speaker[n] for n in fold.test}
    assert set(folds.shared_speakers(corpus, fold)) == seen & tested
    naive = [
        n in fold.test or speaker in tested - seen
        for n, speaker in enumerate(corpus.speaker)
    ]
    assert folds.hidden(corpus, fold).tolist() == naive


def test_other_folds_hide_all_of_whom_they_test():
    corpus = toys.corpus()
    for fold in folds.make(corpus, "speaker"):
        leaky = fold._replace(train=np.append(fold.train, fold.test[0]))
        for made in fold, leaky:
            hidden = np.flatnonzero(folds.hidden(corpus, made)).tolist()
            assert hidden == _rows(corpus, fold.held_out)


CORPUS = toys.corpus()


def _unknown(corpus, *codes):
    """The corpus, some of whose speakers nobody knows."""
    names = [UNKNOWN if c in codes else n for c, n in enumerate(corpus.speakers)]
    speakers = sorted({*names})
    code = [speakers.index(names[c]) for c in corpus.speaker]
    return replace(corpus, speakers=tuple(speakers), speaker=np.array(code))


def test_unknown_speakers_are_always_trained_on_and_never_held_out():
    corpus = _unknown(toys.corpus(speakers=5), 1, 3)
    made = folds.make(corpus, "speaker")
    assert [fold.held_out for fold in made] == ["s0", "s2", "s4"]
    for fold in made:
        left = {UNKNOWN, "s0", "s2", "s4"} - {fold.held_out}
        assert fold.test.tolist() == _rows(corpus, fold.held_out)
        assert fold.train.tolist() == _rows(corpus, *left)


def test_an_unknown_speaker_speaks_in_no_other_utterance():
    corpus = _unknown(toys.corpus(), 1, 2)
    nobody, known = _rows(corpus, UNKNOWN), _rows(corpus, "s3")
    found = folds.by_speakers_of(corpus, np.array([nobody[0], known[-1]]))
    assert np.flatnonzero(found).tolist() == sorted([nobody[0], *known])


def test_unknown_speakers_keep_their_session_and_part():
    """Nobody says that those of the test set are those of the training set."""
    corpus = toys.corpus(speakers=6)
    made = folds.make(_unknown(corpus, 0, 2), "session")
    assert [fold.test.tolist() for fold in made] == [
        _rows(corpus, f"s{n}", f"s{n + 1}") for n in (0, 2, 4)
    ]
    assert made[0].train.tolist() == _rows(corpus, "s2", "s3", "s4", "s5")
    corpus = _with_split("train", "validation", "test")
    nobody = _unknown(corpus, 0, 2)
    (fold,) = folds.make(nobody, "split", "split")
    parts = [part.tolist() for part in (fold.train, fold.validation, fold.test)]
    assert parts == [_rows(corpus, speaker) for speaker in corpus.speakers]
    assert not len(folds.shared_speakers(nobody, fold))
    assert np.flatnonzero(folds.hidden(nobody, fold)).tolist() == _rows(corpus, "s2")


FIRST_OF_S1 = np.flatnonzero(CORPUS.speaker == 1)[0]


def _in(session, rows):
    """The corpus, some of its rows in another session."""
    changed = CORPUS.session.copy()
    changed[rows] = session
    return replace(CORPUS, session=changed)


@pytest.mark.parametrize(
    ("corpus", "protocol", "says"),
    [
        (_in(-1, slice(None)), "speaker partner", "s0 in .* no session of 4;"),
        (_in(-1, slice(3)), "speaker partner", "no session, session0 of 2;"),
        (_in(1, FIRST_OF_S1), "speaker partner", "s1 in .* session0, session1 of 4"),
        (_in(1, CORPUS.speaker == 1), "speaker partner", "got session0 of 1;"),
        (_in(0, slice(None)), "speaker partner", "got session0 of 4;"),
        (_unknown(CORPUS, 1), "speaker partner", "got session0 of 1;"),
        (CORPUS, "session partner", "needs hold_out=speaker"),
        (_in(-1, slice(3)), "session none", "3 of .* have no session"),
        (CORPUS, "split none", "no utterances of split train"),
        (_with_split("train", "", ""), "split none", "of split test"),
        (_with_split("", "", "test"), "split none", "of split train"),
        (_unknown(CORPUS, 0, 1, 2, 3), "speaker none", "all speakers are 'Unknown'"),
        (
            _with_split("train", "", "test"),
            "split split",
            "of split validation; use va",
        ),
        (CORPUS, "speaker split", "split needs hold_out=split, got speaker"),
        (_with_split("train", "", "test"), "split partner", "needs hold_out=speaker"),
        (CORPUS, "speakers none", "one of speaker, .* got 'speakers'"),
        (CORPUS, "speaker Partner", "one of none, partner, split, got 'Par"),
    ],
)
def test_wrong_use_is_refused(corpus, protocol, says):
    with pytest.raises(InputError, match=says):
        folds.make(corpus, *protocol.split())
