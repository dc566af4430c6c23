"""The model card: what a person should know before using a model (Mitchell et al. 2019,
"Model Cards for Model Reporting")."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vladser import metrics, text
from vladser.metrics import METRICS

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
about a person must not rest on it, and in some places the law forbids inferring
emotions at work and in education (in the EU: AI Act, Article 5)."""
_LIMITS = """\
- It answers with one of its emotions whatever it hears: other emotions, several
  speakers, music, noise.
- Speech of other languages, ages, microphones or rooms, and emotions that are felt
  rather than acted, can be recognized far worse than the figures say. Measure it on
  yours.
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
    """Returns the card of what model.json says, as Markdown: see `bundle`.

    Its `about` may hold `training`, `evaluation`, `flags` and `environment`, as
    `launch.main --final_model` fills them; the card says which of them is missing.
    """
    about, emotions = said["about"], said["emotions"]
    trained = about.get("training")
    corpus = f", trained on {text.escaped(trained['corpus'])}" if trained else ""
    opensmile = "/opensmile-" in said["feature_set"]
    settings = {
        f"{said['features']} features a frame": f"`{said['feature_set']}`",
        **{name.replace("_", " "): value for name, value in said["condition"].items()},
    }
    parts = [
        _HEADER,
        f"# {', '.join(map(text.escaped, emotions))}{corpus}",
        "An encoder of frames of speech, pooling over time and a softmax classifier. "
        f"Made by vladser {said['vladser']}.",
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
        "\n".join(f"- {name}: {value}" for name, value in settings.items()),
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
    ua, confusion = said["ua"], np.array(said["confusion"])
    interval = ""
    if ua["interval"]:
        ends = text.interval(ua["interval"], text.percent)
        interval = f" (95 % interval over {said['speakers']} speakers: {ends})"
    yield (
        f"Unweighted accuracy **{text.percent(ua['mean_of_speakers'])} %**{interval}, "
        "the mean over the speakers. Of all metrics, in %:"
    )
    guessed = metrics.chance(confusion)
    rows = [
        (
            f"{METRICS[key].name}, {METRICS[key].definition}",
            text.percent(of["mean_of_folds"]),
            text.percent(of["pooled"]),
            text.percent(METRICS[key].compute(guessed)),
        )
        for key, of in metrics.of_summary(said).items()
    ]
    header = "metric", "mean of folds", "all folds pooled", "chance"
    yield text.table(header, rows, markdown=True)
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
    yield "How often each emotion was taken for which, in %:"
    shares = metrics.row_shares(confusion)
    spoken = [
        (emotion, *map(text.percent, row))
        for emotion, row in zip(emotions, shares, strict=True)
    ]
    yield text.table(["spoken \\ predicted", *emotions], spoken, markdown=True)


def _training(said: dict[str, Any] | None) -> Iterator[str]:
    if not said:
        yield "Not known."
        return
    yield (
        f"{text.escaped(said['corpus'])}: {said['utterances']:,} utterances of "
        f"{said['speakers']:,} speakers, {said['frames']:,} frames; seed "
        f"{said['seed']}, {said['epochs']} epochs, {said['batch_size']} utterances a "
        f"step. SHA-256 of the data: `{said['digest']}`."
    )
    counts = {emotion: f"{count:,}" for emotion, count in said["emotions"].items()}
    rows = counts.items()
    yield text.table(("emotion", "utterances"), rows, markdown=True)
