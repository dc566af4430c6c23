"""model.json: what a model classifies, how, and what is known of it."""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import vladser
from vladser.condition import Condition, make, settings
from vladser.errors import InputError

FORMAT = 1
_SOURCE = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


class Description(NamedTuple):
    """See `bundle.Bundle`."""

    emotions: tuple[str, ...]
    feature_set: str
    features: int  # D
    condition: Condition
    about: dict[str, Any]


def write(
    emotions: Sequence[str],
    feature_set: str,
    features: int,
    condition: Condition,
    about: dict[str, Any],
) -> dict[str, Any]:
    """What model.json says."""
    return {
        "format": FORMAT,
        "vladser": vladser.__version__,
        "emotions": list(emotions),
        "feature_set": feature_set,
        "features": features,
        "condition": settings(condition),
        "about": about,
    }


def parse(text: bytes) -> dict[str, Any]:
    """The JSON of a format that is known.

    Raises:
      InputError: another format, or none.
    """
    try:
        said = json.loads(text)
        known = said["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("not the description of a model: damaged?") from None
    if known != FORMAT:
        raise InputError(
            f"is of format {known!r:.20}: vladser {vladser.__version__} reads format "
            f"{FORMAT}"
        )
    return said


def read(said: dict[str, Any]) -> Description:
    """What `write` wrote.

    Raises:
      InputError: something else; names the field.
    """

    def field(name: str, right: str, fits: bool) -> Any:
        if not fits:
            raise InputError(f"{name} is {said.get(name)!r:.60}: should be {right}")
        return said[name]

    emotions, features = said.get("emotions"), said.get("features")
    several = (
        isinstance(emotions, list)
        and all(map(_is_name, emotions))
        and len(set(emotions)) == len(emotions) > 1
    )
    source, about = said.get("feature_set"), said.get("about")
    known = isinstance(source, str) and bool(_SOURCE.fullmatch(source))
    of_files = isinstance(source, str) and source.startswith("npy-")
    return Description(
        tuple(field("emotions", "two names or more", several)),
        field(
            "feature_set",
            "a name, for files npy- and how many features there are",
            known and (not of_files or str(source).endswith(f"-{features}")),
        ),
        field("features", "a count", type(features) is int and features > 0),
        _condition(said.get("condition")),
        field("about", "an object", isinstance(about, dict)),
    )


def _is_name(text: Any) -> bool:
    """A stranger wrote it, and it will be printed."""
    return isinstance(text, str) and text.isprintable() and bool(text.strip())


def _condition(said: Any) -> Condition:
    if not isinstance(said, dict):
        raise InputError(f"condition is {said!r:.60}: should be an object")
    return make(**said)
