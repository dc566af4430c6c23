"""openSMILE as this project runs it: a signal -> 147 descriptors a frame.

Frames of 60 ms (pitch and voice quality) or 20 ms (the rest), one each 10 ms:

    0-65     the 65 low-level descriptors of ComParE 2016 and MFCC 0, smoothed
    66-131   their deltas
    132-146  the deltas of the deltas of MFCC 0-14

Known quirk of openSMILE: the deltas of its pitch and voice-quality columns (66-71) are
no plain regression, for their denominator grows over the file. They are kept as they
come, as in every ComParE feature file.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from vladser.errors import InputError
from vladser.features import lengths
from vladser.features.audio import RATE, VERSION, BadAudio

CONFIG = Path(__file__).with_name("vladser147.conf")

_SOURCE, _SINK = "extsource", "extsink"  # the components that opensmile's files define
_MFCCS = "mfcc[15]"  # stands for mfcc[0] to mfcc[14]
_LOW_LEVEL = f"""
F0final voicingFinalUnclipped jitterLocal jitterDDP shimmerLocal logHNR
audspec_lengthL1norm audspecRasta_lengthL1norm pcm_RMSenergy pcm_zcr audSpec_Rfilt[26]
pcm_fftMag_fband250-650 pcm_fftMag_fband1000-4000
pcm_fftMag_spectralRollOff25.0 pcm_fftMag_spectralRollOff50.0
pcm_fftMag_spectralRollOff75.0 pcm_fftMag_spectralRollOff90.0
pcm_fftMag_spectralFlux pcm_fftMag_spectralCentroid pcm_fftMag_spectralEntropy
pcm_fftMag_spectralVariance pcm_fftMag_spectralSkewness pcm_fftMag_spectralKurtosis
pcm_fftMag_spectralSlope pcm_fftMag_psySharpness pcm_fftMag_spectralHarmonicity
{_MFCCS}
"""


def names() -> list[str]:
    """The names that openSMILE gives the 147 columns, in order."""
    return [
        *_expand(_LOW_LEVEL, "_sma"),
        *_expand(_LOW_LEVEL, "_sma_de"),
        *_expand(_MFCCS, "_sma_de_de"),
    ]


def _expand(descriptors: str, suffix: str) -> Iterator[str]:
    for descriptor in descriptors.split():
        name, _, count = descriptor.rstrip("]").partition("[")
        if count:
            yield from (f"{name}{suffix}[{index}]" for index in range(int(count)))
        else:
            yield f"{name}{suffix}"


def config_id() -> str:
    """Names what decides the features apart from openSMILE's version: the config (not
    its comments) and the samples that the audio guard lets through."""
    lines = CONFIG.read_text(encoding="ascii").splitlines()
    settings = [line for line in lines if line and not line.startswith(("//", ";"))]
    content = "\n".join([f"audio {VERSION}", *settings])
    return f"{CONFIG.stem}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


class Smile:
    """One openSMILE extractor; making one costs 0.1 s, so make one a process.

    It gives, to the bit, what `opensmile.Smile` gives for the same config, but drives
    the engine below that class, which spends 5% of the time on its tables.

    Attributes:
      config, options: what opensmile is given; the options are paths to its own files.

    Raises:
      InputError: the installed openSMILE names its columns differently, or the paths
        of its configuration hold non-ASCII letters and so does the temporary folder.
    """

    def __init__(self):
        import opensmile  # here, because cached features are read without it
        from opensmile.core.lib import OpenSMILE

        self._engine = OpenSMILE
        config = CONFIG.resolve()
        package = (Path(opensmile.__file__).parent / "core" / "config").resolve()
        if not f"{config}{package}".isascii():
            config, package = self._copy_to_ascii(config, package)
        self.config = str(config)
        self.options = {
            "source": f"{package}/shared/standard_external_wave_input.conf.inc",
            "sampleRate": RATE,
            "nBits": 16,
            "lldConf": f"{package}/compare/ComParE_2016_core.lld.conf.inc",
            "bufferModeConf": f"{package}/shared/BufferMode.conf.inc",
            "bufferModeRbConf": f"{package}/shared/BufferModeRb.conf.inc",
            "bufferModeRbLagConf": f"{package}/shared/BufferModeRbLag.conf.inc",
            "sink": f"{package}/shared/standard_external_data_output_single.conf.inc",
            "sinkLevel": "lld",
        }
        with self._started() as engine:
            self._columns = count = engine.external_sink_get_num_elements(_SINK)
            found = [
                engine.external_sink_get_element_name(_SINK, i) for i in range(count)
            ]
        if found != names():
            raise InputError(
                f"opensmile {opensmile.__version__} names its columns unlike 2.6.0: "
                "pip install opensmile==2.6.0"
            )

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """The descriptors of a signal.

        Args:
          signal: float32 [n], as `audio.load` returns it.

        Returns:
          float32 [(n - 960) // 160 + 2, 147].

        Raises:
          BadAudio: openSMILE gave another number of frames, or values not finite.
        """
        rows = []
        with self._started() as engine:
            engine.external_sink_set_callback(
                _SINK, lambda row: rows.append(row.copy())
            )
            samples = (signal * np.float32(32768)).astype(np.int16)
            engine.external_audio_source_write_data(_SOURCE, samples.tobytes())
            engine.external_audio_source_set_eoi(_SOURCE)
            engine.run()
        frames = np.array(rows, np.float32).reshape(-1, self._columns)
        expected = lengths.frames(len(signal))
        finite = np.isfinite(frames).all(axis=1).sum()
        if not len(frames) == finite == expected:
            raise BadAudio(
                f"has {finite} finite frames of {len(frames)} by openSMILE: "
                f"{expected} are right for {len(signal)} samples"
            )
        return frames

    @contextmanager
    def _started(self) -> Iterator[Any]:
        """An engine without a past: its deltas and its pitch depend on what it saw."""
        engine = self._engine()
        try:
            engine.initialize(self.config, self.options)
            yield engine
        finally:
            engine.free()

    def _copy_to_ascii(self, config: Path, package: Path) -> tuple[Path, Path]:
        """openSMILE takes its configuration by paths of ASCII letters alone."""
        self._copies = TemporaryDirectory()  # openSMILE reads them at every call
        folder = Path(self._copies.name).resolve()
        if not str(folder).isascii():
            raise InputError(
                f"openSMILE reads paths of ASCII letters only, which {package} is not: "
                f"set TMPDIR to one that is (now {folder.parent})"
            )
        shutil.copytree(package, folder / "config")
        return Path(shutil.copy(config, folder)), folder / "config"
