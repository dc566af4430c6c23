"""Audit: what could make a result look better than it is, found and counted.

A test speaker who is seen in training is an error. What the reader of a result should
know, for it may be harmless or by design, is a warning. Each check gives a `Finding`,
also where all is well: together they are the protocol certificate of a run.
"""

from collections.abc import Sequence

from vladser.condition import Condition
from vladser.data import batches
from vladser.engine.merging import Results
from vladser.evaluation.audit import arrays, balance, chosen, duplicates, sharing
from vladser.evaluation.audit.finding import Finding
from vladser.types import Dataset, Fold, Utterance

__all__ = ["Finding", "corpus", "epochs", "protocol"]


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


def protocol(
    corpus: Dataset,
    conditions: Sequence[Condition],
    plan: batches.Plan,
    standardize: str,
    validation: bool,
) -> list[Finding]:
    """What the arrays say that a training is given: the rows of every minibatch, and
    scaler and prior of every trial. The arguments are those of `experiment.run`."""
    return [
        arrays.rows(corpus, conditions, plan),
        *([arrays.validation_rows(corpus, plan)] if validation else []),
        *arrays.scaler_and_prior(corpus, conditions, plan, standardize),
    ]


def epochs(results: Results, plan: batches.Plan, validation: bool) -> list[Finding]:
    """Whether each training was tested after the epoch that the protocol names.

    Args:
      results: of all trials.
      validation: as in `experiment.run`.
    """
    return [chosen.finding(results, plan, validation)]
