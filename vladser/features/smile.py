"""openSMILE as this project runs it: a signal -> the descriptors of a set."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from vladser.errors import InputError
from vladser.features.audio import RATE, BadAudio

WINDOW = 960  # samples: the longest window, 60 ms
HOP = 160  # samples between frames
SOURCE, SINK = "extsource", "extsink"  # the components that opensmile's files define
_links: list[TemporaryDirectory] = []  # kept: openSMILE reads its files at every call


def frames(samples: int) -> int:
    """Returns the frames of a signal of `samples` at 16 kHz, at least 960 of them."""
    return (samples - WINDOW) // HOP + 2


class Smile:
    """One openSMILE extractor; making one costs 0.1 s, so make one a process.

    It gives, to the bit, what `opensmile.Smile` gives, but drives the engine below that
    class: signals that are still going on need it.

    Args:
      config: openSMILE's configuration file; a relative path is in opensmile's folder.
      columns: the first 8 digits of the SHA-256 of their names, each on a line.

    Attributes:
      config, options: what opensmile is given; the options are paths to its own files.
      live: options to give beside them for a signal that is still going on, see `live`.
      names: of the D columns.

    Raises:
      InputError: the installed openSMILE names its columns differently; or the paths of
        its configuration hold non-ASCII letters and so does the temporary folder.
    """

    def __init__(self, config: Path, columns: str):
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
        }
        live = _in_ascii(Path(__file__).parent) / "live.conf"
        self.live = {"source": str(live), "audio": self.options["source"]}
        with self.started() as engine:
            count = engine.external_sink_get_num_elements(SINK)
            name = engine.external_sink_get_element_name
            self.names = [name(SINK, column) for column in range(count)]
        names = "\n".join(self.names).encode()
        if hashlib.sha256(names).hexdigest()[:8] != columns:
            raise InputError(
                f"opensmile {opensmile.__version__} names the columns of {config.stem} "
                "unlike 2.6.0: pip install opensmile==2.6.0"
            )

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Describes a signal, float32 [n], as `audio.load` returns it.

        Returns:
          float32 [(n - 960) // 160 + 2, D].

        Raises:
          BadAudio: openSMILE gave another number of frames, or values not finite.
        """
        rows = []
        with self.started() as engine:
            engine.external_sink_set_callback(SINK, lambda row: rows.append(row.copy()))
            samples = (signal * np.float32(32768)).astype(np.int16)
            engine.external_audio_source_write_data(SOURCE, samples.tobytes())
            engine.external_audio_source_set_eoi(SOURCE)
            engine.run()
        described = np.array(rows, np.float32).reshape(-1, len(self.names))
        expected = frames(len(signal))
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
