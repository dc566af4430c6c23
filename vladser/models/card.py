"""The model card: what a person should know before using a model (Mitchell et al. 2019,
"Model Cards for Model Reporting"). Its text is in card.md.jinja."""

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
_TEMPLATES.filters |= {"escaped": text.escaped, "percent": text.percent}


def write(said: dict[str, Any]) -> str:
    """Returns the card of what model.json says, as Markdown: see `bundle`.

    Its `about` may hold `training`, `evaluation`, `flags` and `environment`, as
    `launch.main --final_model` fills them; the card says which of them is missing.
    """
    facts = said | {
        name: said["about"].get(name) for name in ("training", "evaluation")
    }
    if trained := facts["training"]:
        counts = [(name, f"{count:,}") for name, count in trained["emotions"].items()]
        header = "emotion", "utterances"
        facts["counts"] = text.table(header, counts, markdown=True)
    if tested := facts["evaluation"]:
        confusion = np.array(tested["confusion"])
        shares = metrics.row_shares(confusion)
        spoken = [
            (emotion, *map(text.percent, row))
            for emotion, row in zip(said["emotions"], shares, strict=True)
        ]
        header = "spoken \\ predicted", *said["emotions"]
        facts["confusion"] = text.table(header, spoken, markdown=True)
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
        header = "metric", "mean of folds", "all folds pooled", "chance"
        facts["metrics"] = text.table(header, rows, markdown=True)
    return _TEMPLATES.get_template("card.md.jinja").render(facts)
