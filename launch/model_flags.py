"""The flags that name a trained model, alike in every program that takes one."""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

from dataclasses import dataclass
from pathlib import Path

from launch.parsers import flag, path
from vladser import aggregators, bundle
from vladser.bundle.description import Description
from vladser.errors import InputError
from vladser.types import Pooling


@dataclass(frozen=True)
class ModelFlags:
    """A field a flag; a program's own settings inherit them."""

    model: Path = flag(
        "Model", None, path, "The folder of a model that launch.main wrote. Required."
    )
    aggregator: Pooling | None = flag(
        "Model",
        None,
        aggregators.parse,
        "The model's aggregator, where that is none of vladser's: code that you trust.",
    )


def describe(model: Path | None, aggregator: Pooling | None) -> Description:
    """What the flags name; its parameters are not read yet, nor jax imported.

    Raises:
      InputError: no model is named, or there is none, see `bundle.load`.
    """
    if model is None:
        raise InputError("--model is required: the folder of a trained model")
    return bundle.describe(model, aggregator)
