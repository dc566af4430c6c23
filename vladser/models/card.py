"""The model card: what a person should know before using a model (Mitchell et al. 2019,
"Model Cards for Model Reporting"). Its text is in card.md.jinja."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jinja2
import numpy as np

from vladser import metrics, text
from vladser.metrics import METRICS

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("vladser.models", "."),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_table = partial(text.table, markdown=True)
_TEMPLATES.filters |= {"escaped": text.escaped, "percent": text.percent}


def write(content: dict[str, Any]) -> str:
    """Returns the card of a model as Markdown, from the content of its model.json.

    Its `about` may hold `training`, `evaluation`, `flags` and `environment`, as
    `launch.main --final_model` fills them; the card says which of them is missing.
    """
    about = content["about"]
    trained, tested = about.get("training"), about.get("evaluation")
    every = tested if isinstance(tested, list) else [tested] * bool(tested)
    facts = content | {"training": trained}
    facts["evaluations"] = [_evaluation(of, content["emotions"]) for of in every]
    if trained:
        counts = [(name, f"{count:,}") for name, count in trained["emotions"].items()]
        facts["counts"] = _table(("emotion", "utterances"), counts)
    return _TEMPLATES.get_template("card.md.jinja").render(facts)


def _evaluation(tested: dict[str, Any], emotions: Sequence[str]) -> dict[str, Any]:
    """Returns an evaluation with its tables; what older models lack is as it was."""
    confusion = np.array(tested["confusion"])
    shares = metrics.row_shares(confusion)
    spoken = [
        (emotion, *map(text.percent, row))
        for emotion, row in zip(emotions, shares, strict=True)
    ]
    guessed = metrics.chance(confusion)
    rows = [
        (
            f"{METRICS[key].name}, {METRICS[key].definition}",
            text.percent(of["mean_of_folds"]),
            text.percent(of["pooled"]),
            text.percent(METRICS[key].compute(guessed)),
        )
        for key, of in metrics.of_summary(tested).items()
    ]
    columns = "metric", "mean of folds", "all folds pooled", "chance"
    tables = {
        "metrics": _table(columns, rows),
        "confusion": _table(("spoken \\ predicted", *emotions), spoken),
    }
    return {"part": None, "caution": "", **tested, **tables}
