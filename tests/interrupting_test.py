"""Programs that are told to stop at random moments, in short."""

import random
import sys

import launching
import pytest
from interrupting import Interrupting

WITHIN = {  # seconds: most last longer
    "main": 4.0,
    "main, all new": 3.0,
    "main, demo": 2.0,
    "predict": 2.0,
    "stream": 1.0,
    "export": 1.5,
    "report": 1.0,
    "audit": 1.0,
    "benchmark": 2.0,
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="when they listen is seen in /proc")
def test_every_program_ends_as_documented_whenever_it_is_told_to_stop(tmp_path):
    programs = Interrupting(tmp_path, launching.environment())
    done = programs.run(20, random.Random(0), at_once=2, within=WITHIN)
    assert {one.plan.name for one in done} == {*WITHIN}
    assert not [fault for one in done if (fault := one.fault())]
