"""The sets of descriptors that openSMILE computes here: one vector each 10 ms.

    vladser147    66 low-level descriptors: the 65 of ComParE 2016 and MFCC 0, smoothed;
                  their 66 deltas; the deltas of the deltas of MFCC 0-14
    eGeMAPSv02    the 25 low-level descriptors of Eyben et al. 2016, smoothed
    ComParE_2016  the 65 of Schuller et al. 2016, smoothed, without their deltas

Windows are of 60 ms (pitch and voice quality) or 20 to 25 ms (the rest). That of 60 ms
decides how many frames there are: all sets have as many, see `lengths.frames`.

Known quirk of openSMILE: the deltas of its pitch and voice-quality columns (66-71 of
vladser147) are no plain regression, for their denominator grows over the file. They are
kept as they come, as in every ComParE feature file.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vladser.errors import InputError
from vladser.features.audio import VERSION

DEFAULT = "vladser147"

_MFCCS = "mfcc[15]"  # stands for mfcc[0] to mfcc[14]
_COMPARE = f"""
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
_GEMAPS = """
Loudness alphaRatio hammarbergIndex slope0-500 slope500-1500 spectralFlux mfcc1 mfcc2
mfcc3 mfcc4
"""
_GEMAPS_VOICED = """
F0semitoneFrom27.5Hz jitterLocal shimmerLocaldB HNRdBACF logRelF0-H1-H2 logRelF0-H1-A3
F1frequency F1bandwidth F1amplitudeLogRelF0 F2frequency F2bandwidth F2amplitudeLogRelF0
F3frequency F3bandwidth F3amplitudeLogRelF0
"""


@dataclass(frozen=True)
class FeatureSet:
    """One set.

    Attributes:
      name: the value of `--features`.
      config: openSMILE's configuration file; a relative path is in opensmile's folder.
      names: those that openSMILE gives the columns, in order.
    """

    name: str
    config: Path
    names: tuple[str, ...]

    @property
    def id(self) -> str:
        """Names what decides the features apart from openSMILE's version: the config,
        where it is no part of openSMILE (not its comments), and the samples that the
        audio guard lets through."""
        own = self.config.is_absolute()
        lines = self.config.read_text(encoding="ascii").splitlines() if own else []
        settings = [line for line in lines if line and not line.startswith(("//", ";"))]
        content = "\n".join([f"audio {VERSION}", *settings])
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def find(name: str) -> FeatureSet:
    """The set `name`.

    Raises:
      InputError: there is none.
    """
    if name not in _SETS:
        raise InputError(f"features {name!r}: one of {', '.join(_SETS)} is right")
    return _SETS[name]


def names() -> list[str]:
    """The sets that `find` knows."""
    return list(_SETS)


def _expand(descriptors: str, suffix: str) -> Iterator[str]:
    for descriptor in descriptors.split():
        name, _, count = descriptor.rstrip("]").partition("[")
        if count:
            yield from (f"{name}{suffix}[{index}]" for index in range(int(count)))
        else:
            yield f"{name}{suffix}"


_SETS = {
    found.name: found
    for found in (
        FeatureSet(
            DEFAULT,
            Path(__file__).with_name("vladser147.conf").absolute(),
            (
                *_expand(_COMPARE, "_sma"),
                *_expand(_COMPARE, "_sma_de"),
                *_expand(_MFCCS, "_sma_de_de"),
            ),
        ),
        FeatureSet(
            "eGeMAPSv02",
            Path("egemaps", "v02", "eGeMAPSv02.conf"),
            (*_expand(_GEMAPS, "_sma3"), *_expand(_GEMAPS_VOICED, "_sma3nz")),
        ),
        FeatureSet(
            "ComParE_2016",
            Path("compare", "ComParE_2016.conf"),
            tuple(n for n in _expand(_COMPARE, "_sma") if n != "mfcc_sma[0]"),
        ),
    )
}
