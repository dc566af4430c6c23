"""What a reader needs to trust a run and to repeat it."""

import shlex
from collections import Counter

from launch.reporting import facts
from launch.reporting.document import Block, Code, Mark, Section, Table
from launch.reporting.runs import Run
from vladser import text
from vladser.metrics import METRICS

_LEVELS = {  # in the order of the report
    "error": Mark("bad", "error"),
    "warning": Mark("warn", "warning"),
    "ok": Mark("good", "passed"),
}
_LISTED = 100  # utterances or trainings
_HOW = (
    "All are taken in each fold, then averaged over folds, then over seeds. Where "
    "folds are not speakers, UA is taken of each test speaker instead, and its mean "
    "over folds is given beside it.",
    "The unit of the statistics is the speaker: utterances of one speaker, and seeds, "
    "are not independent evidence. Intervals are Student's t over the speakers. In "
    "simulated experiments of 4, 10 and 24 speakers, 93.8 to 95.1 % of them hold the "
    "mean over all speakers there are; of those of a percentile bootstrap, 79 to 93 %.",
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


def certificate(run: Run) -> Section | None:
    """Returns what the audit found."""
    if not run.findings:
        return None
    order = [*_LEVELS]
    findings = sorted(run.findings, key=lambda one: order.index(one["level"]))
    counts = Counter(finding["level"] for finding in findings)
    said = [text.count(counts[level], level) for level in ("error", "warning")]
    said.append(f"{text.count(counts['ok'], 'check')} passed")
    rows = [
        {
            "check": finding["check"].replace("_", " "),
            "result": _LEVELS[finding["level"]],
            "finding": finding["text"],
        }
        for finding in findings
    ]
    table = Table("Protocol certificate", rows, {"result", "finding"})
    return Section("Protocol", [f"{text.names(said).capitalize()}.", table])


def losses(run: Run) -> Section | None:
    """Returns the utterances that were skipped and the trainings that failed."""
    skipped, failed = run.summary["skipped"], run.summary["failed"]
    left = {c.name for c in run.conditions}
    lost = sorted({failure["condition"] for failure in failed} - left)
    blocks: list[Block] = []
    if skipped:
        columns = {"utterance": "utterance", "reason": "reason"}
        blocks.append(_list("Utterances left out", skipped, columns))
    if lost:
        names = "; ".join(lost)
        blocks.append(f"In no table, since a training failed in every seed: {names}.")
    if failed:
        columns = {"condition": "condition", "seed": "seed", "fold": "held out"}
        columns |= {"epoch": "epoch", "step": "step"}
        blocks.append(_list("Trainings that failed", failed, columns))
    return Section("Skipped and failed", blocks) if blocks else None


def _list(caption: str, lines: list[dict], columns: dict[str, str]) -> Table:
    rows = [{name: f"{line[key]}" for key, name in columns.items()} for line in lines]
    rest = len(rows) - _LISTED
    notes = [f"And {rest:,} more: see summary.json."] if rest > 0 else []
    return Table(caption, rows[:_LISTED], {"reason", "held out"}, notes)


def repeat(run: Run) -> Section:
    """Returns data, environment, cost and the command."""
    blocks: list[Block] = []
    if run.flags:
        file = run.folder / "flags.txt"
        command = f"python -m launch.main {shlex.quote(f'--flagfile={file}')}"
        blocks = [Code(command), f"{file} holds", Code(run.flags.rstrip())]
    rows = [{"what": name, "value": said} for name, said in _facts(run).items() if said]
    blocks.append(Table("Data, environment and cost", rows, {"value"}))
    return Section("To repeat it", blocks)


def how_to_read(*runs: Run) -> Section:
    """Returns what the metrics and the statistics of the runs mean."""
    shown = [METRICS[key] for key in facts.shown_metrics(runs)]
    said = [f"{m.name}, {m.title}, is {m.definition}." for m in shown]
    return Section("How to read this", [" ".join(said), *_HOW])


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
        "frames": f"{data['frames']:,}" if data else None,
        "features": data.get("feature_set"),
        "digest of the data": data.get("digest"),
        **{name: around.get(name) for name in ("vladser", "revision", "python")},
        "packages": ", ".join(f"{name} {version}" for name, version in packages),
        "system": around.get("host", {}).get("system"),
        "devices": ", ".join(around.get("devices", [])),
        "training": f"{seconds:,.1f} s" if seconds else None,
        "speed": f"{speed:,.0f} real frames a second" if speed else None,
        "padding efficiency": text.decimal(padding) if padding else None,
    }
