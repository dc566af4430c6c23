"""Workers of the extraction, and of the demo's synthesis, that start in no time.

Each worker of the program is a new interpreter, which takes most of a second. For tests
of what workers find they are forked from one process, which has imported all.
"""

import multiprocessing

import pytest

from vladser.corpora.demo import speech
from vladser.features import pool

_AUDIO = "audresample", "opensmile", "soundfile"


@pytest.fixture
def quick_workers(monkeypatch):
    """The workers of this test are forked."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*_AUDIO, speech.__name__, pool.__name__])
        for module in pool, speech:
            monkeypatch.setattr(module, "get_context", lambda method: context)
