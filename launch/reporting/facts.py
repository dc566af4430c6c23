"""What is asked of a run in more than one place of its report."""

from launch.reporting.runs import Condition, Run
from vladser import text
from vladser.corpora.iemocap import CLASSES
from vladser.evaluation import comparisons, paper
from vladser.evaluation.comparisons import Verdict

KINDS = {"supported": "good", "contradicted": "bad", "not distinguishable": "open"}


def corpus(run: Run) -> str:
    """Returns the corpus, or where one was trained on and another tested, both."""
    trained, tested = run.summary["corpus"], run.summary["test_corpus"]
    return trained if tested is None else f"{trained}, tested on {tested}"


def not_the_papers(run: Run) -> list[str]:
    """Returns a note where the paper's figures are of another corpus or classes."""
    if corpus(run) == "iemocap" and {*run.summary["emotions"]} == {*CLASSES}:
        return []
    classes = text.names(CLASSES)
    return [f"The paper's figures are of other data: of {classes} in IEMOCAP."]


def highest(run: Run) -> Condition:
    """Returns the condition of the highest UA."""
    return max(run.conditions, key=lambda c: c.ua)


def proposed(run: Run) -> Condition:
    """Returns the condition that the report leads with: the system that the paper
    proposes, or where it was not trained, the one of the highest UA."""
    papers = (c for c in run.conditions if c.system == paper.PROPOSED)
    return next(papers, highest(run))


def verdicts(run: Run) -> list[Verdict]:
    """Returns what the run says of each claim of the paper that it can judge."""
    summary = run.summary
    return comparisons.verdicts(summary["comparisons"], summary["conditions"])


def flag(run: Run, name: str) -> str | None:
    """Returns the value of a flag in flags.txt."""
    lines = [line.partition("=") for line in run.flags.splitlines()]
    return {flag: value for flag, _, value in lines}.get(f"--{name}")


def seeds(run: Run) -> list[int]:
    """Returns the seeds that all conditions have; they are compared over these."""
    first, *others = (c.seeds for c in run.conditions)
    return [seed for seed in first if all(seed in other for other in others)]


def epochs(run: Run) -> list[str]:
    """Returns how many epochs were trained, where it is known."""
    epochs = flag(run, "epochs")
    return [text.count(int(epochs), "epoch")] if epochs else []


def protocol(run: Run) -> str:
    """Returns how it was trained and tested, in a line."""
    first, held_out = run.conditions[0], flag(run, "hold_out")
    parts = [text.count(len(first.speakers), "test speaker")]
    if run.summary["test_corpus"] is not None:
        parts.insert(0, f"trained on {corpus(run)}")
    elif held_out == "split":
        parts.insert(0, "the corpus's test split")
    else:
        each = f" (one {held_out} held out)" if held_out else ""
        parts.append(text.count(len(first.folds), "fold") + each)
    counts = [len(c.seeds) for c in run.conditions]
    least, most = min(counts), max(counts)
    parts.append((f"{least} to " if least < most else "") + text.count(most, "seed"))
    parts += epochs(run)
    if flag(run, "validation") == "partner":
        parts.append("the epoch chosen on the partner")
    if flag(run, "standardize") == "speaker":
        parts.append("features standardized by speaker, the tested ones included")
    return ", ".join(parts)
