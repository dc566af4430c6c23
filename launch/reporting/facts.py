"""What is asked of a run in more than one place of its report."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting import text
from launch.reporting.runs import Run
from vladser import comparisons, paper

KINDS = {"supported": "good", "contradicted": "bad", "not distinguishable": "open"}
CONDITION = Mapping[str, Any]  # one of summary.json


def corpus(run: Run) -> str:
    """The corpus, or where one was trained on and another tested, both."""
    trained, tested = run.summary["corpus"], run.summary["test_corpus"]
    return trained if tested is None else f"{trained}, tested on {tested}"


def is_papers_corpus(run: Run) -> bool:
    """Whether the paper's figures are of the same corpus and classes."""
    classes = set(run.summary["emotions"])
    return corpus(run) == "iemocap" and classes == {"angry", "happy", "sad", "neutral"}


def proposed(run: Run) -> CONDITION:
    """The condition that the report leads with: the system that the paper proposes, or
    where it was not trained, the one of the highest UA."""
    for condition in run.summary["conditions"]:
        if is_proposed(condition):
            return condition
    return highest(run)


def is_proposed(condition: CONDITION) -> bool:
    """Whether it is the paper's own system, with all its settings."""
    return comparisons.condition(condition) == paper.PROPOSED


def highest(run: Run) -> CONDITION:
    """The condition of the highest UA."""
    return max(run.summary["conditions"], key=ua)


def ordered(conditions: Sequence[CONDITION]) -> list[CONDITION]:
    """The same, those of a pooling together, by the numbers in its options, then by
    smoothing and alpha; poolings and smoothings in the order they come in."""
    poolings = [comparisons.condition(one).pooling for one in conditions]
    names = [pooling.name for pooling in poolings]
    smoothings = [one["smoothing"] for one in conditions]

    def key(numbered):
        n, one = numbered
        numbers = [float(x) for x in re.findall(r"\d+(?:\.\d+)?", str(poolings[n]))]
        smoothing = smoothings.index(one["smoothing"])
        return names.index(names[n]), numbers, smoothing, one["alpha"]

    return [one for _, one in sorted(enumerate(conditions), key=key)]


def named(run: Run, name: str) -> CONDITION:
    """The condition of that name."""
    return next(one for one in run.summary["conditions"] if one["name"] == name)


def ua(condition: CONDITION) -> float:
    """The UA that the intervals are of: the mean over speakers."""
    return condition["ua"]["mean_of_speakers"]


def majority(condition: CONDITION) -> float:
    """The WA of always answering the most frequent class."""
    spoken = [sum(row) for row in condition["confusion"]]
    return max(spoken) / sum(spoken)


def published(condition: CONDITION) -> float | None:
    """The paper's UA of it, a share; None where it gives none."""
    return paper.published(comparisons.condition(condition))


def said(run: Run, flag: str) -> str | None:
    """What flags.txt says of a flag."""
    for line in run.flags.splitlines():
        name, _, value = line.partition("=")
        if name == f"--{flag}":
            return value
    return None


def speakers(run: Run) -> int:
    """How many speakers were tested."""
    return len(run.summary["conditions"][0]["speakers"])


def protocol(run: Run) -> str:
    """How it was trained and tested, in a line."""
    condition = run.summary["conditions"][0]
    folds, seeds = len(condition["folds"]), len(condition["seeds"])
    held_out, epochs = said(run, "hold_out"), said(run, "epochs")
    parts = [
        text.count(speakers(run), "test speaker"),
        text.count(folds, "fold") + (f" (one {held_out} held out)" if held_out else ""),
        text.count(seeds, "seed"),
    ]
    if epochs:
        parts.append(text.count(int(epochs), "epoch"))
    if said(run, "validation") == "partner":
        parts.append("the epoch chosen on the partner")
    if said(run, "standardize") == "speaker":
        parts.append("features standardized by speaker, the tested ones included")
    return ", ".join(parts)
