"""The audit of an experiment: what its flags name, checked before it is trained."""

from collections.abc import Sequence
from typing import Any

from launch.command_line.flags import Settings
from vladser.condition import Condition
from vladser.data.batches import Plan
from vladser.errors import InputError
from vladser.evaluation.audit import checks
from vladser.evaluation.audit.checks import Finding
from vladser.types import Dataset, Utterance


def findings(
    settings: Settings,
    corpus: Dataset,
    utterances: Sequence[Utterance],
    conditions: Sequence[Condition],
    plan: Plan,
) -> list[Finding]:
    """All that can be said before training.

    Args:
      utterances: those the corpus was built from.
    """
    validation = settings.validation == "partner"
    name = "" if settings.test_corpus else settings.corpus
    return [
        *checks.corpus(corpus, utterances, plan.folds, name),
        *checks.protocol(corpus, conditions, plan, settings.standardize, validation),
    ]


def lines(found: Sequence[Finding]) -> list[str]:
    """What is not well, a line each."""
    return [f"{one.level}: {one.text}" for one in found if one.level != "ok"]


def require(found: Sequence[Finding]) -> None:
    """Raises InputError where an experiment must not go on: a finding is an error."""
    errors = [one for one in found if one.level == "error"]
    if errors:
        checks = ", ".join(one.check for one in errors)
        raise InputError(
            f"the audit found errors ({checks}): nothing in training may see what is "
            "tested"
        )


def to_json(found: Sequence[Finding]) -> dict[str, Any]:
    """What audit.json says."""
    return {"format": 1, "findings": [one._asdict() for one in found]}
