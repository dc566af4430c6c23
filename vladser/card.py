"""The model card: what a person should know before using a model."""

from typing import Any


def write(said: dict[str, Any]) -> str:
    """The model card of what model.json says, as Markdown."""
    return "# " + ", ".join(said["emotions"]) + "\n"
