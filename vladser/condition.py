"""A condition: all that is set of a system but the fold and the seed.

A condition is made from settings by their names, as flags, grids and files give them. A
setting is a field of `Condition`, or an option of one of its parts that has a name of
its own (`OPTIONS`): `cells=32` stands for `encoder=lstm(cells=32)`.
"""

# ruff: noqa: RUF009 (parts are immutable)

from __future__ import annotations  # `NUMBERS` wants the annotations as they stand

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from vladser import options, registry
from vladser.errors import InputError
from vladser.options import Count, Fraction, NonNegative
from vladser.types import Part, Spec

# Part of a name where the conditions of a run differ in it.
SHARED = ("features", "epochs", "batch_size")
# Options with a name of their own, and the part that has them.
OPTIONS = {
    "smoothing": "objective",
    "alpha": "objective",
    "cells": "encoder",
    "learning_rate": "optimizer",
    "rho": "optimizer",
    "class_weights": "objective",
    "focal": "objective",
    "logit_adjustment": "objective",
}


@dataclass(frozen=True)
class Condition:
    """One row of a results table; the defaults are the paper's. See `make`.

    Parts change the compiled program, numbers do not: those are data of a trial.

    Attributes:
      aggregator: how the frames of an utterance become one vector.
      features: what describes a frame: vladser147, the paper's 147 descriptors; another
        set; npy(name=..., dim=...) reads .npy files of [frames, D].
      pieces: what of an utterance is looked at: whole, or pieces of it, each by itself.
      encoder: what the frames go through before that; bilstm cannot stream.
      head: what classifies the vector.
      noise: standard deviation of the noise that training adds to the standardized
        features.
      dropout: share of the encoder's outputs that training drops.
      optimizer: how a gradient changes the parameters.
      objective: what training minimizes.
      epochs: passes over the training utterances.
      batch_size: utterances, or pieces, per step, at most all that a fold trains on.
      precision: of matrix products, to which TPUs and GPUs by default round their
        operands (8 and 11 bits); highest is float32, as on CPUs always.
      kernel: of LSTMs. scan: a step at a time, as on CPUs always; fused: one kernel
        walks through time, where there is one for the device; auto: the faster.
      readout: what makes of the trained network's view of all pieces a prediction.
    """

    aggregator: Part = registry.aggregators.parse("netvlad")
    features: Part = registry.features.parse("vladser147")
    pieces: Part = registry.pieces.parse("whole")
    encoder: Part = registry.encoders.parse("lstm")
    head: Part = registry.heads.parse("linear")
    noise: NonNegative = 0.01
    dropout: Fraction = 0.5
    optimizer: Part = registry.optimizers.parse("adadelta")
    objective: Part = registry.objectives.parse("cross_entropy")
    epochs: Count = 50
    batch_size: Count = 32
    precision: Literal["default", "high", "highest"] = "default"
    kernel: Literal["auto", "scan", "fused"] = "auto"
    readout: Part = registry.readouts.parse("softmax")

    @property
    def name(self) -> str:
        """The aggregator and the smoothing, then each setting that is not the paper's,
        without those in SHARED."""
        values, words = settings(self), [str(self.aggregator)]
        if "smoothing" in values:
            soft = f"{values['smoothing']} {text(values['alpha'])}"
            words.append("no smoothing" if values["smoothing"] == "none" else soft)
        for name, value in values.items():
            if name not in _UNNAMED and value != self._default(name):
                words.append(f"{_words(name)} {text(value)}")
        return ", ".join(words)

    def _default(self, name: str) -> Any:
        """Returns the default of a setting; that of an option depends on its part."""
        if name not in OPTIONS:
            return DEFAULTS[name]
        room = registry.ROOMS[OPTIONS[name]]
        return dict(room.parse(getattr(self, room.kind).name).options).get(name)


_UNNAMED = ("aggregator", "smoothing", "alpha", *SHARED)  # or named otherwise
PARTS = tuple(f.name for f in fields(Condition) if f.name in registry.ROOMS)
# The annotation and the default of each.
NUMBERS: dict[str, tuple[Any, Any]] = {
    f.name: (f.type, f.default) for f in fields(Condition) if f.name not in PARTS
}


def make(**given: Any) -> Condition:
    """Makes a condition.

    Args:
      **given: settings by their names; a part is a Part or its text. Others have the
        paper's values, or the part's defaults.

    Raises:
      InputError: an unknown setting, or one that no part of the condition has.
    """
    own = {name: given.pop(name) for name in OPTIONS if name in given}
    for name, value in given.items():
        if name in PARTS:
            given[name] = registry.ROOMS[name].parse(str(value))
        elif name in NUMBERS:
            try:
                given[name] = options.check(*NUMBERS[name], value)
            except ValueError as error:
                raise InputError(f"{name}: {error}") from None
        else:
            known = ", ".join(setting_names())
            raise InputError(f"unknown setting {name!r:.60}: one of {known}")
    condition = Condition(**given)
    for name, value in own.items():
        kind = OPTIONS[name]
        part = getattr(condition, kind)
        if not applies(name, condition):
            raise InputError(f"{name}: {kind} {part.name} has no such option")
        changed: Any = {kind: registry.ROOMS[kind].replace(part, {name: value})}
        condition = replace(condition, **changed)
    objective = condition.objective
    soft = dict(objective.options)
    if "alpha" in soft and (soft["alpha"] == 0 or soft.get("smoothing") == "none"):
        # One condition, whichever is given.
        none = {"smoothing": "none", "alpha": 0.0}
        objective = registry.objectives.replace(objective, none)
    return replace(condition, objective=objective)


def distinct_names(conditions: Sequence[Condition]) -> list[str]:
    """Returns names that tell conditions apart: with those of SHARED in which they
    differ. See `systems.names` for those that have a name of their own."""
    varied = [n for n in SHARED if len({getattr(c, n) for c in conditions}) > 1]
    return [
        ", ".join([c.name, *(f"{_words(n)} {getattr(c, n)}" for n in varied)])
        for c in conditions
    ]


def setting_names() -> list[str]:
    """Returns the names of all settings."""
    ordered = ["aggregator", "smoothing", "alpha"]
    for field in fields(Condition):
        ordered.append(field.name)
        ordered.extend(o for o, kind in OPTIONS.items() if kind == field.name)
    return list(dict.fromkeys(ordered))


def applies(name: str, condition: Condition) -> bool:
    """Returns whether a condition has a setting."""
    kind = OPTIONS.get(name)
    return kind is None or name in dict(getattr(condition, kind).options)


def settings(condition: Condition) -> dict[str, Any]:
    """Returns the settings that `make` makes the condition of: texts and numbers."""
    values: dict[str, Any] = {}
    for name in setting_names():
        if name in NUMBERS:
            values[name] = getattr(condition, name)
        elif name in PARTS:
            part = getattr(condition, name)
            own = tuple(o for o in part.options if o[0] not in OPTIONS)
            values[name] = str(Part(part.name, own))
        elif applies(name, condition):
            values[name] = dict(getattr(condition, OPTIONS[name]).options)[name]
    return values


def specification(condition: Condition, dim: int, classes: int) -> Spec:
    """Returns what its compiled program depends on: `dim` of the features, `classes` of
    the pieces, and nothing of the readout."""
    host = "features", "pieces", "readout"
    parts = {name: getattr(condition, name) for name in PARTS if name not in host}
    for name, part in parts.items():
        if registry.ROOMS[name].traced:  # its options are data
            parts[name] = Part(part.name)
    return Spec(
        **parts,
        dim=dim,
        classes=classes,
        precision=condition.precision,
        kernel=condition.kernel,
    )


def text(value: Any) -> str:
    """Returns a setting's value as a name shows it: 2.0 is 2."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


DEFAULTS = settings(Condition())
