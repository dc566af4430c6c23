"""Audit: what could make a result look better than it is, found and counted.

A test speaker who is seen in training is an error. What the reader of a result should
know, for it may be harmless or by design, is a warning. Each check gives a `Finding`,
also where all is well: together they are the protocol certificate of a run.
"""

from collections.abc import Sequence

from vladser.engine.design import Design
from vladser.engine.results import Results
from vladser.evaluation.audit import arrays, balance, chosen, duplicates, sharing
from vladser.evaluation.audit.finding import Finding
from vladser.types import Dataset, Fold, Utterance

__all__ = ["Finding", "corpus", "protocol", "trained"]


def corpus(
    corpus: Dataset,
    utterances: Sequence[Utterance],
    folds: Sequence[Fold],
    corpus_name: str,
) -> list[Finding]:
    """What the corpus and its folds say by themselves.

    Speakers, sessions and sentences that test and training share, equal audio,
    emotions that hang on a speaker, and counts that differ from published ones.

    Args:
      utterances: those the corpus was built from, for their sentences.
      corpus_name: that of its reader.
    """
    return [
        *sharing.findings(corpus, utterances, folds),
        duplicates.finding(corpus, folds),
        *balance.findings(corpus, folds),
        *balance.published(corpus, corpus_name),
    ]


def protocol(design: Design) -> list[Finding]:
    """Says what the arrays say that a training will be given: the rows of every
    minibatch, and scaler and prior of every trial."""
    return [
        arrays.planned(design),
        *([arrays.validation_rows(design)] if design.validation else []),
        *arrays.scaler_and_prior(design),
    ]


def trained(design: Design, results: Results) -> list[Finding]:
    """Says what the trainings were given, and whether each was tested after the epoch
    that the protocol names.

    Args:
      design: the experiment.
      results: of all trials.
    """
    return [arrays.given(design, results), chosen.finding(design, results)]
