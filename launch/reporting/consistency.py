"""Whether what the files of a run say fits together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vladser.errors import InputError
from vladser.registry import aggregators

if TYPE_CHECKING:
    from launch.reporting.runs import Run


def check(run: "Run") -> None:
    """Raises InputError, naming the file, where two things do not fit."""
    summary = run.summary
    conditions, classes = summary["conditions"], len(summary["emotions"])
    path = run.folder / "summary.json"
    if not conditions:
        raise InputError(f"{path}: no condition was trained to its end")
    names = [one["name"] for one in conditions]
    speakers = _speakers(conditions[0])
    for one in conditions:
        where = f"{path}: {one['name']}"
        if names.count(one["name"]) > 1:
            raise InputError(f"{where}: twice among the conditions")
        try:
            aggregators.parse(one["aggregator"])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if _shape(one["confusion"]) != (classes, classes) or not np.any(
            one["confusion"]
        ):
            raise InputError(f"{where}: confusion: should count {classes} classes")
        if not one["folds"] or not speakers or _speakers(one) != speakers:
            raise InputError(
                f"{where}: should have the folds and speakers of the others"
            )
    for family in summary["comparisons"]:
        for name in (
            family["reference"],
            *(d["condition"] for d in family["differences"]),
        ):
            if name not in names:
                raise InputError(
                    f"{path}: {family['family']}: no condition {name!r:.40}"
                )
    _check_flags(run)
    _check_clusters(run, classes)


def _check_flags(run: "Run") -> None:
    for line in run.flags.splitlines():
        name, _, value = line.partition("=")
        if name == "--epochs" and not value.isdecimal():
            raise InputError(f"{run.folder / 'flags.txt'}: {line:.40}: no whole number")


def _check_clusters(run: "Run", classes: int) -> None:
    """All lines of a condition have one shape [classes][clusters][tenths]."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(run.clusters, 1):
        where = f"{run.folder / 'clusters.jsonl'}:{number}"
        there = [_shape(one) for one in line["assignment"] if one is not None]
        expected = shapes.setdefault(line["condition"], there[0] if there else ())
        if not len(line["utterances"]) == len(line["assignment"]) == classes:
            raise InputError(f"{where}: should tell of {classes} classes")
        if not expected or not all(expected) or {*there} != {expected}:
            raise InputError(f"{where}: assignment: should have one shape for all")


def _speakers(condition: dict[str, Any]) -> list[str]:
    return [one["speaker"] for one in condition["speakers"]]


def _shape(rows: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Rows and columns; empty where rows differ in length."""
    lengths = {len(row) for row in rows}
    return (len(rows), *lengths) if len(lengths) == 1 else ()
