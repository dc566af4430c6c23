"""The model card: what a person should know before using a model (Mitchell et al. 2019,
Model Cards for Model Reporting)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_HEADER = """\
---
library_name: vladser
pipeline_tag: audio-classification
tags: [speech-emotion-recognition]
license: other
---"""
_USE = """\
It tells acted or elicited emotions in short utterances apart, for research: to compare
methods, to describe corpora, to try ideas. It is not made to judge people. Decisions
about a person must not rest on it, and in some places the law forbids to infer emotions
at work and in education (in the EU: AI Act, Article 5)."""
_LIMITS = """\
- It answers with one of its emotions whatever it hears: other emotions, several
  speakers, music, noise.
- Speech of other languages, ages, microphones, rooms, or emotions that are felt and not
  acted, can be recognized far worse than the figures say. Measure it on yours.
- The probabilities are not calibrated; smoothed labels make them flatter.
- It learned from utterances of some seconds: cut long recordings into windows."""
_OPENSMILE = """\
The features are openSMILE's. Its audEERING Research License allows research and other
non-commercial use only, and covers models that are made with it, such as this one."""
_PROTOCOLS = {
    "speaker": "each speaker held out in turn",
    "session": "each session held out in turn",
    "split": "trained on the corpus's training split, tested on its test split",
}


def write(said: dict[str, Any]) -> str:
    """The card of what model.json says, as Markdown: see `bundle`.

    Its `about` may hold `training`, `evaluation`, `flags` and `environment`, as
    `launch.main --final_model` fills them; what is missing is said to be.
    """
    about, emotions = said["about"], said["emotions"]
    condition, trained = said["condition"], about.get("training")
    corpus = f", trained on {_plain(trained['corpus'])}" if trained else ""
    features = f"{said['features']} features a frame: `{said['feature_set']}`"
    opensmile = "/opensmile-" in said["feature_set"]
    parts = [
        _HEADER,
        f"# {', '.join(map(_plain, emotions))}{corpus}",
        "An LSTM over frames of speech, pooled over time, and a softmax classifier, by "
        f"vladser {said['vladser']}.",
        "## How to use it",
        "```sh\npython -m launch.predict --model=THIS_FOLDER FILE\n```",
        "## What it is for",
        _USE,
        "## Limits",
        _LIMITS,
        "## How good it is",
        *_evaluation(about.get("evaluation"), emotions),
        "## What it was trained on",
        *_training(trained),
        "## Settings",
        "\n".join(
            [
                f"- {features}",
                *(f"- {_words(name)}: {value}" for name, value in condition.items()),
            ]
        ),
        "## Licence",
        _OPENSMILE
        if opensmile
        else "Not known: the features were not made by vladser.",
    ]
    return "\n\n".join(parts) + "\n"


def _evaluation(said: dict[str, Any] | None, emotions: Sequence[str]) -> Iterator[str]:
    if not said:
        yield "Not known: it was trained without a test."
        return
    ua, wa = said["ua"], said["wa"]
    interval = ""
    if ua["interval"]:
        low, high = map(_percent, ua["interval"])
        interval = f" (95 % interval over {said['speakers']} speakers: {low} to {high})"
    yield (
        f"Unweighted accuracy **{_percent(ua['mean_of_speakers'])} %**{interval}, the "
        f"mean over the speakers; weighted accuracy {_percent(wa['pooled'])} %, all "
        f"folds together; chance is {_percent(1 / len(emotions))} %."
    )
    yield (
        f"Protocol: {_PROTOCOLS[said['hold_out']]}; folds: {said['folds']}, seeds: "
        f"{said['seeds']}. Nothing of a tested speaker was seen in training. The "
        "model in this folder is none of those: it was trained on all speakers."
    )
    if said["validation"] != "none":
        yield (
            "Each of those is as it was in the epoch that was best on a validation "
            "speaker; this model was trained for the median of these epochs."
        )
    yield "Of each emotion, the share that was taken for which, in %:"
    rows = [
        (emotion, *(_percent(n / max(sum(counts), 1)) for n in counts))
        for emotion, counts in zip(emotions, said["confusion"], strict=True)
    ]
    yield _table(["spoken \\ predicted", *emotions], rows)


def _training(said: dict[str, Any] | None) -> Iterator[str]:
    if not said:
        yield "Not known."
        return
    yield (
        f"{_plain(said['corpus'])}: {said['utterances']:,} utterances of "
        f"{said['speakers']:,} speakers, {said['frames']:,} frames; seed "
        f"{said['seed']}, {said['epochs']} epochs, {said['batch_size']} utterances a "
        f"step. SHA-256 of the data: `{said['digest']}`."
    )
    counts = said["emotions"]
    yield _table(list(counts), [[f"{count:,}" for count in counts.values()]])


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines)


def _plain(text: str) -> str:
    """A name as it is, whatever Markdown means by its letters."""
    return "".join(
        f"\\{letter}" if letter in "\\|`*_[]<>#" else letter for letter in text
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
