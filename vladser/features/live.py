"""openSMILE on a signal that is still going on: frames as soon as they are final.

They are, to the bit, those that `Smile` gives for the whole signal, however it was cut.
One is final some time after its window has begun, since its neighbours smooth it, its
deltas look ahead, and the pitch tracker waits until all of its paths agree.

openSMILE runs in a thread of its own, which sleeps until there is more audio. It does
not say when it has dealt with what is there, so it is given a known number of rounds to
count, see live.conf.
"""

import threading
from contextlib import ExitStack
from typing import Self

import numpy as np

from vladser.features.audio import BadAudio
from vladser.features.smile import HOP, SINK, SOURCE, WINDOW, Smile

_BLOCK = 500 * HOP  # samples given at once: live.conf holds 1,000 rounds
# In a round each component does one frame at least. The pitch tracker lets up to 30 go
# at once, and some 20 components follow one another; more than 10 were never needed.
_SETTLE = 100


class Live:
    """One utterance, as a context, see `types.Features.live`.

    Args:
      smile: the extractor, which may serve other utterances meanwhile.
    """

    def __init__(self, smile: Smile):
        self._columns = len(smile.names)
        self._rows: list[np.ndarray] = []
        self._samples = self._rounds = 0
        self._over, self._settled = False, threading.Semaphore(0)
        self._close = ExitStack()  # frees the engine
        self._engine = self._close.enter_context(smile.started(live=True))
        self._engine.external_sink_set_callback(
            SINK, lambda row: self._rows.append(row.copy())
        )
        self._engine.external_sink_set_callback("round", self._count)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._flush()
        self._close.close()

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Takes in more of the signal.

        Args:
          samples: int16 [n] at 16 kHz, any n.

        Returns:
          float32 [R, D], the frames that are final now and were not before: the same
          however the signal was cut.

        Raises:
          BadAudio: openSMILE gave values that are not finite.
          RuntimeError: the utterance is over.
        """
        for begin in range(0, len(samples), _BLOCK):
            block = samples[begin : begin + _BLOCK]
            self._samples += len(block)
            self._rounds = len(block) // HOP + _SETTLE
            self._engine.external_audio_source_write_data(SOURCE, block.tobytes())
            self._engine.external_source_write_data(
                "rounds", np.zeros(self._rounds, np.float32)
            )
            if not self._over:
                self._settled.acquire()
            if self._over:
                raise RuntimeError("openSMILE has ended: the utterance is over")
        return self._new()

    def end(self) -> np.ndarray:
        """Returns the frames that were not final yet, float32 [R, D]: with those before
        as many as `smile.frames` says, none of less than 960 samples."""
        self._flush()
        if self._samples < WINDOW:
            self._rows.clear()  # openSMILE makes a frame of NaN of them
        return self._new()

    def _new(self) -> np.ndarray:
        rows, self._rows = self._rows, []
        new = np.array(rows, np.float32).reshape(-1, self._columns)
        if not np.isfinite(new).all():
            raise BadAudio("has frames by openSMILE that are not finite")
        return new

    def _count(self, _: np.ndarray) -> None:
        self._rounds -= 1
        if self._rounds == 0:
            self._settled.release()

    def _run(self) -> None:
        try:
            self._engine.run()
        finally:
            self._over = True  # before the release: a waiting `push` has to see it
            self._settled.release()

    def _flush(self) -> None:
        self._engine.external_audio_source_set_eoi(SOURCE)
        self._engine.external_source_set_eoi("rounds")
        self._thread.join()
