"""How input is made up: the same cases each time, few enough for the suite.

VLADSER_DEPTH=10 makes up ten times as many, as .ci/long does.
"""

import os

import hypothesis

from vladser.errors import InputError

DEPTH = int(os.environ.get("VLADSER_DEPTH", "1"))


def cases(count):
    """Settings of hypothesis for that many examples; they may share a folder."""
    return hypothesis.settings(
        max_examples=count * DEPTH,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def refused(read, *args):
    """What `read` returns, or None where it refuses its input as it should."""
    try:
        return read(*args)
    except InputError as error:
        assert len(str(error).splitlines()) == 1, str(error)
        return None
