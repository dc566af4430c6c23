"""Ctrl-C at a terminal reaches all processes, and is for the program alone."""

import signal
from functools import partial

import pytest

from vladser.corpora.demo import speech


@pytest.mark.slow
def test_the_process_that_speaks_the_demo_leaves_ctrl_c_to_the_program(monkeypatch):
    blocked = partial(signal.pthread_sigmask, signal.SIG_BLOCK)
    monkeypatch.setattr(speech, "_speak_here", blocked)
    assert signal.SIGINT in speech.speak([])
