"""The audit of a run: what its flags name, checked before and after it is trained."""

from collections.abc import Sequence
from typing import Any

from launch.command_line.flags import Settings
from vladser.engine.design import Design
from vladser.errors import InputError
from vladser.evaluation.audit import corpus, training
from vladser.evaluation.audit.finding import Finding
from vladser.types import Utterance


def findings(
    settings: Settings, design: Design, utterances: Sequence[Utterance]
) -> list[Finding]:
    """Returns all that can be said before training.

    Args:
      settings: of the run.
      design: the experiment.
      utterances: those its datasets were built from.
    """
    name = "" if settings.test_corpus else settings.corpus
    return [
        *corpus.findings(design.datasets[0], utterances, design.folds, name),
        *training.planned(design),
    ]


def lines(certificate: Sequence[Finding]) -> list[str]:
    """Returns what is not well, a line each."""
    return [f"{f.level}: {f.text}" for f in certificate if f.level != "ok"]


def require(certificate: Sequence[Finding]) -> None:
    """Raises InputError where an experiment must not go on: a finding is an error."""
    errors = [finding.check for finding in certificate if finding.level == "error"]
    if errors:
        raise InputError(
            f"the audit found errors ({', '.join(errors)}): nothing in training may "
            "see what is tested"
        )


def to_json(certificate: Sequence[Finding]) -> dict[str, Any]:
    """Returns what audit.json holds."""
    return {"format": 1, "findings": [finding._asdict() for finding in certificate]}
