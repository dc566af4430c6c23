"""A run directory, as the report reads it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import UndefinedError

from launch.experiment import run_dir
from vladser import condition, files, metrics, text
from vladser.corpora.iemocap import CLASSES
from vladser.errors import InputError
from vladser.evaluation import comparisons, independence, paper
from vladser.evaluation.comparisons import Verdict

# What a value that is not as expected makes its readers raise.
_DAMAGE: tuple[type[Exception], ...] = ArithmeticError, AttributeError, LookupError
_DAMAGE += RecursionError, TypeError, UndefinedError, ValueError
# What a summary that lacks a field means.
_DEFAULTS: dict[str, Any] = {"test_corpus": None, "training": {}}
_DEFAULTS |= {"comparisons": [], "skipped": [], "failed": []}
_CHOSEN = {"partner": "partner", "split": "validation split"}


class ConditionResults(NamedTuple):
    """What summary.json says of a condition."""

    name: str  # unique in the run, or in a part of its test set
    part: str | None  # of the test set, where it has several
    system: condition.Condition  # what was trained
    seeds: list[int]  # those whose trainings all ended
    metrics: dict[str, Mapping[str, Any]]  # averages, by the key of `metrics.METRICS`
    confusion: np.ndarray  # [classes, classes], averaged over the seeds; row = truth
    folds: list[dict[str, Any]]
    speakers: list[dict[str, Any]]

    @property
    def ua(self) -> float:
        """The UA that the intervals are of: the mean over speakers."""
        return self.metrics["ua"]["mean_of_speakers"]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of `ua`; None for one speaker."""
        return self.metrics["ua"]["interval"]


class Run(NamedTuple):
    """A run directory, see docs/report.md, as of one part of its test set: its folder,
    the texts and values of its files, empty where there is no such file, and the
    conditions of its summary. Comparisons and conditions are those of the part."""

    folder: Path
    part: str | None  # None where the test set is one
    flags: str
    summary: dict[str, Any]
    conditions: list[ConditionResults]
    dataset: dict[str, Any]
    environment: dict[str, Any]
    findings: list[dict[str, Any]]  # of audit.json
    metrics: list[dict[str, Any]]
    clusters: list[dict[str, Any]]

    @property
    def corpus(self) -> str:
        """The corpus, or where one was trained on and another tested, both."""
        trained, tested = self.summary["corpus"], self.summary["test_corpus"]
        return trained if tested is None else f"{trained}, tested on {tested}"

    @property
    def label(self) -> str:
        """What tells a corpus and a part of its test set from others."""
        return f"{self.corpus}, {self.part}" if self.part else self.corpus

    @property
    def caution(self) -> str:
        """What has to be said beside the results, or ""."""
        return independence.caution(self.conditions[0].speakers)

    @property
    def features(self) -> list[dict[str, Any]]:
        """What dataset.json says of each set of features; nothing without the file."""
        return self.dataset.get("feature_sets") or [self.dataset] * bool(self.dataset)

    @property
    def not_the_papers(self) -> list[str]:
        """A note where the paper's figures are of another corpus or classes."""
        if self.corpus == "iemocap" and {*self.summary["emotions"]} == {*CLASSES}:
            return []
        classes = text.names(CLASSES)
        return [f"The paper's figures are of other data: of {classes} in IEMOCAP."]

    @property
    def highest(self) -> ConditionResults:
        """The condition of the highest UA."""
        return max(self.conditions, key=lambda c: c.ua)

    @property
    def proposed(self) -> ConditionResults:
        """The condition that the report leads with: the system that the paper proposes,
        or where it was not trained, the one of the highest UA."""
        papers = (c for c in self.conditions if paper.proposes(c.system))
        return next(papers, self.highest)

    @property
    def verdicts(self) -> list[Verdict]:
        """What the run says of each claim of the paper that it can judge."""
        summary = self.summary
        return comparisons.verdicts(summary["comparisons"], summary["conditions"])

    @property
    def seeds(self) -> list[int]:
        """The seeds that all conditions have; they are compared over these."""
        first, *others = (c.seeds for c in self.conditions)
        return [seed for seed in first if all(seed in other for other in others)]

    @property
    def epochs(self) -> list[str]:
        """How many epochs were trained, where it is known."""
        said = [entry.get("epochs") for entry in self.summary["conditions"]]
        known = said if all(said) else [self.flag("epochs")]  # as earlier versions do
        numbers = sorted({int(epochs) for epochs in known if epochs})
        if len(numbers) > 1:
            return [f"{numbers[0]} to {text.count(numbers[-1], 'epoch')}"]
        return [text.count(numbers[0], "epoch")] if numbers else []

    @property
    def protocol(self) -> str:
        """How it was trained and tested, in a line."""
        first, held_out = self.conditions[0], self.flag("hold_out")
        parts = [text.count(len(first.speakers), "test speaker")]
        if self.summary["test_corpus"] is not None:
            parts.insert(0, f"trained on {self.corpus}")
        elif self.flag("test_speakers"):
            parts.insert(0, "a list of speakers held out")
        elif held_out == "split":
            parts.insert(0, f"the corpus's {self.part or 'test'} split")
        else:
            each = f" (one {held_out} held out)" if held_out else ""
            parts.append(text.count(len(first.folds), "fold") + each)
        counts = [len(c.seeds) for c in self.conditions]
        least, most = min(counts), max(counts)
        parts.append(
            (f"{least} to " if least < most else "") + text.count(most, "seed")
        )
        parts += self.epochs
        if chosen := _CHOSEN.get(self.flag("validation") or ""):
            parts.append(f"the epoch chosen on the {chosen}")
        if self.flag("standardize") == "speaker":
            parts.append("features standardized by speaker, the tested ones included")
        return ", ".join(parts)

    def flag(self, name: str) -> str | None:
        """Returns the value of a flag in flags.txt."""
        lines = [line.partition("=") for line in self.flags.splitlines()]
        return {flag: value for flag, _, value in lines}.get(f"--{name}")


def read(folder: Path) -> list[Run]:
    """Reads the run in `folder` as of each part of its test set; raises InputError
    where it has not finished, or a file is damaged, missing or of another format.
    Unknown fields are ignored."""
    if not (folder / files.SUMS).exists():
        if (folder / run_dir.FLAGS).exists():
            raise InputError(f"{folder}: this run has not finished: no {files.SUMS}")
        raise InputError(f"{folder}: not a run directory: no {files.SUMS} in it")
    files.check_sums(folder, run_dir.RESULTS)
    with readable(folder / "audit.json"):
        audit = _load(folder / "audit.json", {"findings": []})["findings"]
    with readable(folder / "summary.json"):
        summary = _DEFAULTS | _load(folder / "summary.json", {})
        conditions = _conditions(summary)
    whole = Run(
        folder=folder,
        part=None,
        flags=_load(folder / "flags.txt", ""),
        summary=summary,
        conditions=conditions,
        dataset=_load(folder / "dataset.json", {}),
        environment=_load(folder / "environment.json", {}),
        findings=audit,
        metrics=_load(folder / "metrics.jsonl", []),
        clusters=_load(folder / "clusters.jsonl", []),
    )
    with readable(folder / "summary.json"):
        return [
            _of_part(whole, part) for part in dict.fromkeys(c.part for c in conditions)
        ]


@contextmanager
def readable(path: Path | str) -> Iterator[None]:
    """Raises InputError, which names the path, for what fails while it is read. Digests
    are checked before, so that damage is rare, and one message serves for all of it."""
    try:
        yield
    except InputError as error:
        place = "" if str(error).startswith(str(path)) else f"{path}: "
        raise InputError(f"{place}{error}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except _DAMAGE as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: damaged or of another version: {why:.80}") from error


def _of_part(run: Run, part: str | None) -> Run:
    keys = "conditions", "comparisons"
    mine = {k: [of for of in run.summary[k] if of.get("part") == part] for k in keys}
    conditions = [c for c in run.conditions if c.part == part]
    return run._replace(part=part, summary=run.summary | mine, conditions=conditions)


def _conditions(summary: dict[str, Any]) -> list[ConditionResults]:
    classes, read = len(summary["emotions"]), []
    for entry in summary["conditions"]:
        system = comparisons.condition(entry)
        read.append(
            ConditionResults(
                name=entry["name"],
                part=entry.get("part"),
                system=system,
                seeds=entry["seeds"],
                metrics=metrics.of_summary(entry),
                confusion=np.reshape(entry["confusion"], (classes, classes)),
                folds=entry["folds"],
                speakers=entry["speakers"],
            )
        )
    if not read:
        raise InputError("no condition was trained to its end")
    return read


def _load(path: Path, default: Any) -> Any:
    """Returns the value of a JSON file, the values of the lines of a .jsonl file or the
    text of another; the default where there is no file."""
    if not path.exists():
        return default
    with readable(path):
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in content.splitlines()]
        if path.suffix != ".json":
            return content
        value = json.loads(content)
        if value.get("format", 1) != 1:
            raise InputError(f"expected format 1, got {value['format']!r:.20}")
        return value
