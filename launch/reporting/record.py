"""What a reader needs to trust a run and to repeat it."""

import shlex

from launch.reporting import text
from launch.reporting.blocks import Block, Code, Mark, Section, Table, Text
from launch.reporting.runs import Run

_LEVELS = {"error": Mark("bad", "error"), "warning": Mark("warn", "warning")}
_PASSED = Mark("good", "passed")
_HOW = (
    "UA, unweighted accuracy, is the mean of the recalls of the classes. WA, weighted "
    "accuracy, is the share of utterances that are right. Both are taken in each fold, "
    "then averaged over folds, then over seeds. Where folds are not speakers, UA is "
    "taken of each test speaker instead, and its mean over folds is given beside it.",
    "The unit of the statistics is the speaker: utterances of one speaker, and seeds, "
    "are no independent evidence. Intervals are Student's t over the speakers. In "
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
    """What the audit found."""
    if not run.findings:
        return None
    order = [*_LEVELS, "ok"]
    findings = sorted(run.findings, key=lambda one: order.index(one["level"]))
    counts = [
        text.count(sum(one["level"] == "error" for one in findings), "error"),
        text.count(sum(one["level"] == "warning" for one in findings), "warning"),
        f"{text.count(sum(one['level'] == 'ok' for one in findings), 'check')} passed",
    ]
    table = Table(
        "Protocol certificate",
        ("check", "result", "finding"),
        [
            (
                one["check"].replace("_", " "),
                _LEVELS.get(one["level"], _PASSED),
                one["text"],
            )
            for one in findings
        ],
        words=frozenset({1, 2}),
    )
    return Section("Protocol", [Text(f"{text.names(counts).capitalize()}."), table])


def how_to_read() -> Section:
    """What the statistics mean."""
    return Section("How to read this", [Text(paragraph) for paragraph in _HOW])


def repeat(run: Run) -> Section:
    """Data, environment, cost and the command."""
    blocks: list[Block] = []
    if run.flags:
        file = run.folder / "flags.txt"
        blocks += [
            Code(f"python -m launch.main {shlex.quote(f'--flagfile={file}')}"),
            Text(f"{file} holds"),
            Code(run.flags.rstrip()),
        ]
    blocks.append(
        Table(
            "Data, environment and cost",
            ("", ""),
            [row for row in _facts(run) if row[1]],
            words=frozenset({1}),
        )
    )
    return Section("To repeat it", blocks)


def _facts(run: Run) -> list[tuple[str, str]]:
    data, around, cost = run.dataset, run.environment, run.summary["training"]
    packages = around.get("packages", {}).items()
    seconds = cost.get("train_seconds")
    speed, padding = cost.get("real_frames_per_second"), cost.get("padding_efficiency")
    return [
        ("date", around.get("date", "")),
        ("corpus", run.summary["corpus"]),
        ("test corpus", run.summary["test_corpus"] or ""),
        ("utterances", f"{data['utterances']:,}" if data else ""),
        ("frames", f"{data['frames']:,}" if data else ""),
        ("features", data.get("feature_set", "")),
        ("digest of the data", data.get("digest", "")),
        ("vladser", around.get("vladser", "")),
        ("revision", around.get("revision") or ""),
        ("python", around.get("python", "")),
        ("packages", ", ".join(f"{name} {version}" for name, version in packages)),
        ("system", around.get("host", {}).get("system", "")),
        ("devices", ", ".join(around.get("devices", []))),
        ("training", f"{seconds:,.1f} s" if seconds else ""),
        ("speed", f"{speed:,.0f} real frames a second" if speed else ""),
        ("padding efficiency", text.decimal(padding) if padding else ""),
    ]
