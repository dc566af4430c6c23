"""What a reader needs to trust a run and to repeat it."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting.pages import Block, Code, Mark, Table
from launch.reporting.runs import Run
from vladser import text
from vladser.metrics import METRICS
from vladser.text import few

_LEVELS = {  # in the order of the report
    "error": Mark("bad", "error"),
    "warning": Mark("warn", "warning"),
    "ok": Mark("good", "passed"),
}
_OTHERS = {"note": Mark("open", "noted")}  # by check, what judges nothing
_LISTED = 100  # utterances or trainings
_HOW = (
    "All are taken in each fold, then averaged over folds, then over seeds. Where "
    "folds are not speakers, UA is taken of each test speaker instead, and its mean "
    "over folds is given beside it.",
    "The unit of the statistics is the speaker: utterances of one speaker, and seeds, "
    "are not independent evidence. Intervals are Student's t over the speakers, on "
    "the logit of the mean; fewer than four speakers have none.",
    "Conditions share folds, seeds, the order of the data and the random draws, so "
    "that their differences are paired by speaker. p is two-sided and comes from "
    "flipping the signs of these differences, all flips up to 20 speakers and random "
    "ones above; corrected p are Holm's, in one family.",
    "Intervals and p are for the seeds of this run: what other seeds would change is "
    "the sd over seeds. The folds share training data and are treated as independent, "
    "as is usual: their covariance cannot be estimated without bias (Bengio & "
    "Grandvalet 2004).",
    "Not distinguishable does not mean equal: the interval of the difference says how "
    "large it may be.",
)


def certificate(run: Run) -> list[Block]:
    """Returns what the audit found."""
    if not run.findings:
        return []
    order = [*_LEVELS]
    findings = sorted(run.findings, key=lambda finding: order.index(finding["level"]))
    rows = [
        {
            "check": finding["check"].replace("_", " "),
            "result": _OTHERS.get(finding["check"], _LEVELS[finding["level"]]),
            "finding": finding["text"],
        }
        for finding in findings
    ]
    return [Table("Protocol certificate", rows, {"result", "finding"})]


def losses(run: Run) -> list[Block]:
    """Returns the utterances that were skipped and the trainings that failed."""
    skipped, failed = run.summary["skipped"], run.summary["failed"]
    blocks: list[Block] = []
    lists = {"Utterances left out": skipped, "Trainings that failed": failed}
    for caption, lines in lists.items():
        rows = [{key: f"{value}" for key, value in line.items()} for line in lines]
        rest = len(rows) - _LISTED
        notes = [f"And {rest:,} more: see summary.json."] if rest > 0 else []
        if rows:
            blocks.append(Table(caption, rows[:_LISTED], {"reason", "fold"}, notes))
    return blocks


def repeat(run: Run) -> list[Block]:
    """Returns data, environment, cost and the command."""
    blocks: list[Block] = []
    if run.flags:
        file = run.folder / "flags.txt"
        command = f"python -m launch.main {shlex.quote(f'--flagfile={file}')}"
        blocks = [Code(command), f"{file} holds", Code(run.flags.rstrip())]
    rows = [
        {"what": name, "value": value} for name, value in _facts(run).items() if value
    ]
    return [*blocks, Table("Data, environment and cost", rows, {"value"})]


def how_to_read() -> list[Block]:
    """Returns what the metrics and the statistics mean."""
    metrics = [
        f"{m.name}{f', {m.title},' * (m.name != m.title)} is {m.definition}."
        for m in METRICS.values()
    ]
    return [" ".join(metrics), *_HOW]


def _facts(run: Run) -> dict[str, str | None]:
    data, around, cost = run.dataset, run.environment, run.summary["training"]
    packages = around.get("packages", {}).items()
    seconds, speed = cost.get("train_seconds"), cost.get("real_frames_per_second")
    padding = cost.get("padding_efficiency")
    return {
        "date": around.get("date"),
        "corpus": run.summary["corpus"],
        "test corpus": run.summary["test_corpus"],
        "utterances": f"{data['utterances']:,}" if data else None,
        "frames": ", ".join(f"{of['frames']:,}" for of in run.features),
        "features": ", ".join(of["feature_set"] for of in run.features),
        "digest of the data": data.get("digest"),
        **{name: around.get(name) for name in ("vladser", "revision", "python")},
        "packages": ", ".join(f"{name} {version}" for name, version in packages),
        "system": around.get("host", {}).get("system"),
        "devices": ", ".join(around.get("devices", [])),
        "trainings by machine": _machines(cost.get("machines", [])),
        "training": f"{seconds:,.1f} s" if seconds else None,
        "speed": f"{speed:,.0f} real frames a second" if speed else None,
        "padding efficiency": text.decimal(padding) if padding else None,
    }


def _machines(machines: Sequence[Mapping[str, Any]]) -> str:
    """Returns who trained what, with a note where devices are of several kinds."""
    each, kinds = [], Counter[str]()
    for of in machines:
        devices = Counter(of["devices"])
        kinds += devices
        listed = ", ".join(f"{count} x {kind}" for kind, count in devices.items())
        each.append(f"{of['host']} ({listed}): {of['trainings']:,}")
    note = "; devices of several kinds, which differ in rounding" * (len(kinds) > 1)
    return f"{few(each)}{note}"
