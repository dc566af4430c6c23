"""openSMILE as this project runs it: a signal -> the descriptors of a set.

All sets have a vector each 10 ms. Windows are of 60 ms (pitch and voice quality) or 20
to 25 ms (the rest); the longest decides how many frames there are.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from vladser.contracts import Features
from vladser.errors import InputError
from vladser.features.audio import RATE, BadAudio

_WINDOW = 960  # samples: the longest window, 60 ms, which sees one frame more
_HOP = 160  # samples between frames
_SOURCE, _SINK = "extsource", "extsink"  # the components that opensmile's files define
_BLOCK = 500 * _HOP  # samples given to a live engine at once: it holds 1,000 rounds
# In a round each component does one frame at least. The pitch tracker lets up to 30 go
# at once, and some 20 components follow one another; more than 10 were never needed.
_SETTLE = 100
_links: list[TemporaryDirectory] = []  # kept: openSMILE reads its files at every call


def make(
    name: str,
    config: Path,
    dim: int,
    window: int = _WINDOW,
    energy: Callable[[np.ndarray], np.ndarray] | None = None,
    **options: int,
) -> Features:
    """Makes Features of `dim` columns; the others are arguments of `Smile`, and that of
    `Features`. The name tells apart what the options do."""
    # The id: what decides the features apart from openSMILE's version and the audio
    # guard, which is the config where it is our own (not its comments). "audio 1" is
    # of the first guard: the id must stay that of the models that name it.
    own = config.is_absolute()
    lines = config.read_text(encoding="ascii").splitlines() if own else []
    settings = [line for line in lines if line and not line.startswith(("//", ";"))]
    content = "\n".join(["audio 1", *settings])
    return Features(
        id=f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}",
        dim=dim,
        setup=partial(Smile, config, window, **options),
        frames=partial(frames, window=window),
        shortest=window,
        packages=("opensmile",),
        live=Live,
        energy=energy,
    )


def power(column: int, frames: np.ndarray) -> np.ndarray:
    """Returns the energy of frames [T, D] that have the root of the mean square of the
    signal in a column."""
    return np.square(frames[:, column])


def frames(samples: int, window: int = _WINDOW) -> int:
    """Returns the frames of a signal of `samples` at 16 kHz, at least `window`."""
    return (samples - window) // _HOP + (2 if window == _WINDOW else 1)


class Smile:
    """One openSMILE extractor; making one costs 0.1 s, so make one a process.

    It gives, to the bit, what `opensmile.Smile` gives, but drives the engine below that
    class: signals that are still going on need it.

    Args:
      config: openSMILE's configuration file; a relative path is in opensmile's folder.
      window: samples of its longest window.
      **options: of the configuration file, beside those that all have.

    Attributes:
      config, options: what opensmile is given; the options are paths to its own files.
      live: options to give beside them for a signal that is still going on.
      names: of the D columns.

    Raises:
      InputError: the paths of its configuration hold letters beyond ASCII, and so does
        that of the temporary folder.
    """

    def __init__(self, config: Path, window: int = _WINDOW, **options: int):
        import opensmile  # late because cached features are read without it
        from opensmile.core.lib import OpenSMILE

        self._engine = OpenSMILE
        package = _in_ascii(Path(opensmile.__file__).parent / "core" / "config")
        if config.is_absolute():
            config = _in_ascii(config.parent) / config.name
        self.config = str(package / config)
        shared = f"{package}/shared"
        self.options = {
            "source": f"{shared}/standard_external_wave_input.conf.inc",
            "sampleRate": RATE,
            "nBits": 16,
            "lldConf": f"{package}/compare/ComParE_2016_core.lld.conf.inc",
            "bufferModeConf": f"{shared}/BufferMode.conf.inc",
            "bufferModeRbConf": f"{shared}/BufferModeRb.conf.inc",
            "bufferModeRbLagConf": f"{shared}/BufferModeRbLag.conf.inc",
            "frameModeFunctionalsConf": f"{shared}/FrameModeFunctionals.conf.inc",
            "sink": f"{shared}/standard_external_data_output_single.conf.inc",
            "sinkLevel": "lld",
            **options,
        }
        self.window = window
        live = _in_ascii(Path(__file__).parent) / "live.conf"
        self.live = {"source": str(live), "audio": self.options["source"]}
        with self.started() as engine:
            count = engine.external_sink_get_num_elements(_SINK)
            name = engine.external_sink_get_element_name
            self.names = [name(_SINK, column) for column in range(count)]

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Describes a signal, float32 [n], as `audio.load` returns it.

        Returns:
          float32 [T, D], T as `frames` says.

        Raises:
          BadAudio: openSMILE gave another number of frames, or values not finite.
        """
        rows = []
        with self.started() as engine:
            engine.external_sink_set_callback(
                _SINK, lambda row: rows.append(row.copy())
            )
            samples = (signal * np.float32(32768)).astype(np.int16)
            engine.external_audio_source_write_data(_SOURCE, samples.tobytes())
            engine.external_audio_source_set_eoi(_SOURCE)
            engine.run()
        described = np.array(rows, np.float32).reshape(-1, len(self.names))
        expected = frames(len(signal), self.window)
        finite = np.isfinite(described).all(axis=1).sum()
        if not len(described) == finite == expected:
            raise BadAudio(
                f"has {finite} finite frames of {len(described)} by openSMILE: "
                f"expected {expected} of {len(signal)} samples"
            )
        return described

    @contextmanager
    def started(self, live: bool = False) -> Iterator[Any]:
        """Yields a fresh engine: deltas and pitch depend on what it saw before."""
        engine = self._engine()
        try:
            options = self.options | self.live if live else self.options
            engine.initialize(self.config, options)
            yield engine
        finally:
            engine.free()


class Live:
    """An utterance that is still going on, as a context, see `contracts.Features.live`.

    Its frames are, to the bit, those that `Smile` gives for the whole signal, however
    it was cut. A frame is final some time after its window has begun, since its
    neighbours smooth it, its deltas look ahead, and the pitch tracker waits until all
    of its paths agree.

    openSMILE runs in a thread of its own, which sleeps until there is more audio. It
    does not say when it has dealt with what is there, so it is given a known number of
    rounds to count, see live.conf.

    Args:
      smile: the extractor, which may serve other utterances meanwhile.
    """

    def __init__(self, smile: Smile):
        self._columns, self._window = len(smile.names), smile.window
        self._rows: list[np.ndarray] = []
        self._samples = self._rounds = 0
        self._over, self._settled = False, threading.Semaphore(0)
        self._close = ExitStack()  # frees the engine
        self._engine = self._close.enter_context(smile.started(live=True))
        self._engine.external_sink_set_callback(
            _SINK, lambda row: self._rows.append(row.copy())
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
          float32 [R, D], the frames that have become final.

        Raises:
          BadAudio: openSMILE gave values that are not finite.
          RuntimeError: the utterance is over.
        """
        for begin in range(0, len(samples), _BLOCK):
            block = samples[begin : begin + _BLOCK]
            self._samples += len(block)
            self._rounds = len(block) // _HOP + _SETTLE
            self._engine.external_audio_source_write_data(_SOURCE, block.tobytes())
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
        as many as `smile.frames` says, none of less than a window."""
        self._flush()
        if self._samples < self._window:
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
        self._engine.external_audio_source_set_eoi(_SOURCE)
        self._engine.external_source_set_eoi("rounds")
        self._thread.join()


def _in_ascii(folder: Path) -> Path:
    """Returns the folder, or a link to it: openSMILE takes paths of ASCII alone."""
    if str(folder := folder.resolve()).isascii():
        return folder
    _links.append(TemporaryDirectory())
    link = Path(_links[-1].name).resolve() / "link"
    if not str(link).isascii():
        raise InputError(
            f"openSMILE reads paths of ASCII letters only, which {folder} is not: "
            f"set TMPDIR to one that is (now {link.parents[1]})"
        )
    link.symlink_to(folder)
    return link
