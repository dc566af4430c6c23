"""What is asked of a run in more than one place of its report."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting import text
from launch.reporting.blocks import Kind
from launch.reporting.runs import Run
from vladser.evaluation import comparisons, paper

KINDS: dict[str, Kind] = {
    "supported": "good",
    "contradicted": "bad",
    "not distinguishable": "open",
}
CONDITION = Mapping[str, Any]  # one of summary.json
_CLASSES = ("angry", "happy", "sad", "neutral")  # of the paper


def corpus(run: Run) -> str:
    """The corpus, or where one was trained on and another tested, both."""
    trained, tested = run.summary["corpus"], run.summary["test_corpus"]
    return trained if tested is None else f"{trained}, tested on {tested}"


def is_papers_corpus(run: Run) -> bool:
    """Whether the paper's figures are of the same corpus."""
    return corpus(run) == "iemocap"


def apart(run: Run) -> list[str]:
    """What the paper's figures are of that this run is not of."""
    found = []
    if not is_papers_corpus(run):
        found.append("IEMOCAP, another corpus than this")
    if {*run.summary["emotions"]} != {*_CLASSES}:
        found.append(f"{text.names(_CLASSES)}, other classes than these")
    return found


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
    aggregators = [comparisons.condition(one).aggregator for one in conditions]
    names = [aggregator.name for aggregator in aggregators]
    smoothings = [one.get("smoothing") for one in conditions]

    def key(numbered):
        n, one = numbered
        numbers = [float(x) for x in re.findall(r"\d+(?:\.\d+)?", str(aggregators[n]))]
        smoothing = smoothings.index(one.get("smoothing"))
        return names.index(names[n]), numbers, smoothing, one.get("alpha", 0)

    return [one for _, one in sorted(enumerate(conditions), key=key)]


def named(run: Run, name: str) -> CONDITION:
    """The condition of that name."""
    return next(one for one in run.summary["conditions"] if one["name"] == name)


def ua(condition: CONDITION) -> float:
    """The UA that the intervals are of: the mean over speakers."""
    return condition["ua"]["mean_of_speakers"]


def folds_are_speakers(condition: CONDITION) -> bool:
    """Whether the mean over folds is the one over speakers."""
    return abs(ua(condition) - condition["ua"]["mean_of_folds"]) < 1e-9


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


def seeds(run: Run) -> list[int]:
    """Those that all conditions have: what is compared is compared over them."""
    first, *others = (one["seeds"] for one in run.summary["conditions"])
    return [seed for seed in first if all(seed in other for other in others)]


def lost_seeds(run: Run) -> bool:
    """Whether some conditions have seeds that others have lost to a failure."""
    return any(one["seeds"] != seeds(run) for one in run.summary["conditions"])


def budget(run: Run) -> list[str]:
    """The epochs, where they are known, and the seeds that are compared."""
    epochs = said(run, "epochs")
    trained = [text.count(int(epochs), "epoch")] if epochs else []
    return [*trained, text.count(len(seeds(run)), "seed")]


def protocol(run: Run) -> str:
    """How it was trained and tested, in a line."""
    counts = [len(one["seeds"]) for one in run.summary["conditions"]]
    least, most = min(counts), max(counts)
    epochs = said(run, "epochs")
    parts = [
        *_tested(run),
        (f"{least} to " if least < most else "") + text.count(most, "seed"),
    ]
    if epochs:
        parts.append(text.count(int(epochs), "epoch"))
    if said(run, "validation") == "partner":
        parts.append("the epoch chosen on the partner")
    if said(run, "standardize") == "speaker":
        parts.append("features standardized by speaker, the tested ones included")
    return ", ".join(parts)


def _tested(run: Run) -> list[str]:
    """On what and whom."""
    held_out, folds = said(run, "hold_out"), run.summary["conditions"][0]["folds"]
    whom = text.count(speakers(run), "test speaker")
    if run.summary["test_corpus"] is not None:
        return [f"trained on {corpus(run)}", whom]
    if held_out == "split":
        return ["the corpus's test split", whom]
    each = f" (one {held_out} held out)" if held_out else ""
    return [whom, text.count(len(folds), "fold") + each]
