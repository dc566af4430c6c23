"""Workers of the extraction that start in no time.

Each worker of the program is a new interpreter, which takes most of a second. For tests
of what the extraction finds they are forked from one process, which has imported
all that they need; some tests of extraction_test.py start them as the program does.
"""

import multiprocessing

import pytest

from vladser.features import computing

_NEEDED = "vladser.features.computing", "opensmile", "soundfile", "audresample"


@pytest.fixture
def quick_workers(monkeypatch):
    """The workers of this test are forked."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_NEEDED))
        monkeypatch.setattr(computing, "get_context", lambda method: context)
