"""Which differences are real: intervals and paired tests whose unit is the speaker.

A corpus has many utterances and few speakers, and what is claimed is about speakers. So
every function takes one value a speaker, averaged over the seeds.

Assumption: the speakers' values are independent. Where each is left out in turn they
are not quite, since any two folds share most of their training data; no unbiased
estimate of that covariance exists (Bengio & Grandvalet 2004), and as is usual it is
left out.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit

FEWEST = 4  # speakers for an interval
SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)  # the ends of scales
EXACT = 20  # speakers up to which every flip of signs is looked at: 2^19 by symmetry
DRAWS = 99_999
_ROUNDING = 1e-12  # two sums of shares that are closer than this are a tie


def interval(
    values: np.ndarray, ends: tuple[float, float] = SHARE
) -> tuple[float, float] | None:
    """Returns the 95 % confidence interval of the mean over the population of speakers.

    Student's t on the logit of the mean within its scale (the delta method), since an
    interval that leaves the scale says nothing. Its coverage, simulated at 4, 10 and 24
    speakers, is in BENCHMARKS.md, with that of a percentile bootstrap, which is lower.

    Args:
      values: [speakers], such as UA.
      ends: of the scale; `DIFFERENCE` for differences of shares.

    Returns:
      (low, high), None for fewer than `FEWEST` speakers: so few do not tell a spread.
    """
    low, high = ends
    values = (np.asarray(values, float) - low) / (high - low)
    if len(values) < FEWEST:
        return None
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    if not error:
        return float(low + (high - low) * mean), float(low + (high - low) * mean)
    half = stdtrit(len(values) - 1, 0.975) * error / (mean * (1 - mean))
    bounds = expit(logit(mean) + np.array([-half, half]))
    return tuple((low + (high - low) * bounds).tolist())


def sign_flip(differences: np.ndarray) -> float:
    """Returns the two-sided p-value of a mean difference, by flipping signs (Fisher
    1935).

    Were two conditions alike, each speaker's difference could as well have the other
    sign: p is the share of the 2^n flips whose mean lies as far from 0 as the observed
    one. It is exact up to 20 speakers; above that it is (1 + count) / (1 + draws) of
    99,999 random flips, always the same ones (Phipson & Smyth 2010).

    Args:
      differences: [speakers] of shares, paired: the same speaker under two conditions.
    """
    differences = np.asarray(differences, float)
    seen = abs(differences.sum()) - _ROUNDING
    if len(differences) > EXACT:
        draw = np.random.default_rng(0)
        sums = np.zeros(DRAWS)
        for difference in differences:
            sums += draw.choice((-difference, difference), DRAWS)
        return float((1 + (np.abs(sums) >= seen).sum()) / (1 + DRAWS))
    sums = differences[:1]  # a flip and its mirror image lie equally far from 0
    for difference in differences[1:]:
        sums = np.concatenate([sums + difference, sums - difference])
    return float((np.abs(sums) >= seen).mean())


def holm(p: ArrayLike) -> np.ndarray:
    """Returns the p-values of one family, [comparisons], corrected for their number
    (Holm 1979): all below 0.05 may be called real with a chance of at most 5 % that one
    or more of them is not."""
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(corrected, 1)


def least_p(speakers: int, comparisons: int) -> float:
    """Returns the smallest corrected p-value that `sign_flip` and `holm` can come to.

    All speakers of one sign make the smallest p, 2 of 2^n flips, or where flips are
    drawn 1 / (1 + draws). Where this is not below 0.05, no data of that number of
    speakers can tell any of the conditions apart.
    """
    least = 2.0 ** (1 - speakers) if speakers <= EXACT else 1 / (1 + DRAWS)
    return min(1.0, comparisons * least)
