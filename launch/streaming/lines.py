"""Results of a stream as lines, for people and for programs."""

import json
from collections.abc import Sequence

from launch.predicting import predictions
from vladser.models.following import Result

_BAR = 10  # letters


def as_json(result: Result, emotions: Sequence[str]) -> str:
    """Returns an object with the times of a result, and its probabilities."""
    start, time, final, values = result
    odds = predictions.named(emotions, values)
    said = {
        **{"start": start, "time": time, "final": final},
        **{"predicted": emotions[int(values.argmax())], "probabilities": odds},
    }
    return json.dumps(said, ensure_ascii=False)


def as_line(result: Result, emotions: Sequence[str]) -> str:
    """Returns time, emotion, a bar of its probability, and all probabilities."""
    values = result.probabilities
    name = emotions[int(values.argmax())].ljust(max(map(len, emotions)))
    bar = "█" * round(_BAR * values.max())
    shares = zip(emotions, values, strict=True)
    each = "  ".join(f"{name} {p:3.0%}" for name, p in shares)
    return f"{result.time:6.1f} s  {name}  {bar:{_BAR}}  {each}"
