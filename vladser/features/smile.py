"""openSMILE as this project runs it: a signal -> the descriptors of a set."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from vladser.errors import InputError
from vladser.features import lengths, sets
from vladser.features.audio import RATE, BadAudio

SOURCE, SINK = "extsource", "extsink"  # the components that opensmile's files define
_LIVE = Path(__file__).with_name("live.conf")


class Smile:
    """One openSMILE extractor; making one costs 0.1 s, so make one a process.

    It gives, to the bit, what `opensmile.Smile` gives for the same config, but drives
    the engine below that class, which spends 5% of the time on its tables.

    Args:
      features: the set, see `sets`.

    Attributes:
      config, options: what opensmile is given; the options are paths to its own files.
      live: options to give beside them for a signal that is still going on, see `live`.
      columns: D, the number of descriptors.

    Raises:
      InputError: no such set; the installed openSMILE names its columns differently;
        or the paths of its configuration hold non-ASCII letters and so does the
        temporary folder.
    """

    def __init__(self, features: str = sets.DEFAULT):
        import opensmile  # here, because cached features are read without it
        from opensmile.core.lib import OpenSMILE

        self._engine = OpenSMILE
        wanted = sets.find(features)
        package = (Path(opensmile.__file__).parent / "core" / "config").resolve()
        config = (package / wanted.config).resolve()  # which may be absolute
        live = _LIVE
        if not f"{config}{live}{package}".isascii():
            package = self._copy_to_ascii(package)
            config = package / wanted.config
            live = Path(shutil.copy(live, package.parent))
            if wanted.config.is_absolute():
                config = Path(shutil.copy(wanted.config, package.parent))
        self.config = str(config)
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
        self.live = {"source": str(live), "audio": self.options["source"]}
        with self.started() as engine:
            self.columns = count = engine.external_sink_get_num_elements(SINK)
            found = [
                engine.external_sink_get_element_name(SINK, i) for i in range(count)
            ]
        if found != list(wanted.names):
            raise InputError(
                f"opensmile {opensmile.__version__} names the columns of {features} "
                "unlike 2.6.0: pip install opensmile==2.6.0"
            )

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """The descriptors of a signal.

        Args:
          signal: float32 [n], as `audio.load` returns it.

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
        frames = np.array(rows, np.float32).reshape(-1, self.columns)
        expected = lengths.frames(len(signal))
        finite = np.isfinite(frames).all(axis=1).sum()
        if not len(frames) == finite == expected:
            raise BadAudio(
                f"has {finite} finite frames of {len(frames)} by openSMILE: "
                f"{expected} are right for {len(signal)} samples"
            )
        return frames

    @contextmanager
    def started(self, live: bool = False) -> Iterator[Any]:
        """An engine without a past: its deltas and its pitch depend on what it saw."""
        engine = self._engine()
        try:
            options = self.options | self.live if live else self.options
            engine.initialize(self.config, options)
            yield engine
        finally:
            engine.free()

    def _copy_to_ascii(self, package: Path) -> Path:
        """openSMILE takes its configuration by paths of ASCII letters alone."""
        self._copies = TemporaryDirectory()  # openSMILE reads them at every call
        folder = Path(self._copies.name).resolve()
        if not str(folder).isascii():
            raise InputError(
                f"openSMILE reads paths of ASCII letters only, which {package} is not: "
                f"set TMPDIR to one that is (now {folder.parent})"
            )
        return Path(shutil.copytree(package, folder / "config"))
