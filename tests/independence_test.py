"""Whether a result is of people who are new to the training."""

import pytest

from vladser.evaluation import independence
from vladser.types import UNKNOWN


def speakers(*shared):
    return [
        {"speaker": f"s{n}", "ua": 0.2 * n, "shared": of} for n, of in enumerate(shared)
    ]


def test_what_is_said_beside_a_result_names_and_counts():
    assert independence.caution(speakers(False, False)) == ""
    assert independence.caution([{"speaker": "of an earlier version"}]) == ""
    said = independence.caution(speakers(*[True] * 8, False))
    assert said.startswith("Not speaker-independent: 8 of 9 test speakers")
    assert "(s0, s1, s2, s3, s4 and 3 more)" in said


def test_the_ua_of_new_speakers_is_given_where_others_are_not_new():
    assert independence.of_new(speakers(True, False, False)) == pytest.approx(0.3)
    # Nobody knows whether unknown ones are new.
    unknown = {"speaker": UNKNOWN, "ua": 1.0, "shared": False}
    some = [*speakers(True, False, False), unknown]
    assert independence.of_new(some) == pytest.approx(0.3)
    assert "1 of 3 test speakers" in independence.caution(some)
    assert independence.of_new([*speakers(True), unknown]) is None
    for alike in speakers(False, False), speakers(True, True), []:
        assert independence.of_new(alike) is None
