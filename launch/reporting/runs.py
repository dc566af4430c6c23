"""Reads a run directory, and says in one line what is wrong with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vladser.errors import InputError

_SETTINGS = ("cells", "noise", "dropout", "learning_rate", "rho")
_UA = {
    "mean_of_folds": float,
    "mean_of_speakers": float,
    "std_over_seeds": (float,),
    "pooled": float,
    "interval": ([float],),
}
_DIFFERENCE = {
    "condition": str,
    "difference": float,
    "interval": ([float],),
    "p": float,
    "p_holm": float,
}
# What has to be there: a tuple stands for "this or null", a list for a list of it.
_SUMMARY = {
    "corpus": str,
    "test_corpus": (str,),
    "emotions": [str],
    "conditions": [
        {
            "name": str,
            "aggregator": str,
            "smoothing": str,
            "alpha": float,
            **dict.fromkeys(_SETTINGS, float),
            "seeds": [float],
            "ua": _UA,
            "wa": {"mean_of_folds": float, "pooled": float},
            "confusion": [[float]],
            "folds": [{"held_out": str, "utterances": float, "ua": float}],
            "speakers": [{"speaker": str, "utterances": float, "ua": float}],
        }
    ],
    "comparisons": [
        {
            "family": str,
            "reference": str,
            "speakers": float,
            "least_p": float,
            "differences": [_DIFFERENCE],
        }
    ],
    "skipped": [{"utterance": str, "reason": str}],
    "failed": list,
    "training": dict,
}
_DATASET = {"utterances": float, "frames": float, "feature_set": str, "digest": str}
_AUDIT = {"findings": [{"check": str, "level": str, "count": float, "text": str}]}
_METRICS = {"condition": str, "seed": float, "fold": str, "epoch": float, "loss": float}
_CLUSTERS = {
    "condition": str,
    "seed": float,
    "fold": str,
    "utterances": [float],
    "adjusted_rand": (float,),
    "assignment": [([[float]],)],
}


class Run(NamedTuple):
    """The files of a run directory, see the README; empty where a file is not there.

    Attributes:
      folder: the run directory.
      flags: flags.txt.
      summary, dataset, environment: the JSON files of these names.
      findings: those of audit.json.
      metrics, clusters: the lines of the .jsonl files.
    """

    folder: Path
    flags: str
    summary: dict[str, Any]
    dataset: dict[str, Any]
    environment: dict[str, Any]
    findings: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    clusters: list[dict[str, Any]]


def read(folder: Path) -> Run:
    """Reads the run in `folder`.

    Raises:
      InputError: it is no run directory, its run has not finished, or a file of it is
        of another format or damaged: names the file, and the line where there is one.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; should be a run directory")
    if not (folder / "summary.json").exists():
        if (folder / "flags.txt").exists():
            raise InputError(f"{folder}: this run has not finished: no summary.json")
        raise InputError(f"{folder}: not a run directory: no summary.json in it")
    return Run(
        folder=folder,
        flags=_text(folder / "flags.txt"),
        summary=_formatted(folder / "summary.json", _SUMMARY),
        dataset=_json(folder / "dataset.json", _DATASET),
        environment=_json(folder / "environment.json", {}),
        findings=_formatted(folder / "audit.json", _AUDIT).get("findings", []),
        metrics=list(_lines(folder / "metrics.jsonl", _METRICS)),
        clusters=list(_lines(folder / "clusters.jsonl", _CLUSTERS)),
    )


def _text(path: Path) -> str:
    """The text of a file; none where there is no such file."""
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8: damaged") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _json(path: Path, shape: dict[str, Any]) -> dict[str, Any]:
    return _parsed(_text(path), shape, path, 1) if path.exists() else {}


def _formatted(path: Path, shape: dict[str, Any]) -> dict[str, Any]:
    if not path.exists():
        return {}
    found = _json(path, {})
    if found.get("format") != 1:
        raise InputError(
            f"{path}: format {found.get('format')!r}: this version reads format 1"
        )
    _check(found, shape, str(path))
    return found


def _lines(path: Path, shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        yield _parsed(line, shape, path, number)


def _parsed(text: str, shape: dict[str, Any], path: Path, line: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        line += error.lineno - 1
        raise InputError(f"{path}:{line}: damaged JSON: {error.msg}") from None
    _check(value, shape, f"{path}:{line}" if path.suffix == ".jsonl" else str(path))
    return value


def _check(value: Any, shape: Any, where: str) -> None:
    """Raises InputError for a value that is not of that shape, see `_SUMMARY`."""
    if isinstance(shape, tuple):
        if value is not None:
            _check(value, shape[0], where)
        return
    kind = shape if isinstance(shape, type) else type(shape)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):
        said = {float: "a number", str: "a text", list: "a list", dict: "an object"}
        raise InputError(f"{where}: {value!r:.40} should be {said[kind]}")
    if isinstance(shape, list):
        for item in value:
            _check(item, shape[0], where)
    if isinstance(shape, dict):
        for name, inner in shape.items():
            if name not in value:
                raise InputError(f"{where}: no {name!r}: written by another version?")
            _check(value[name], inner, f"{where}: {name}")
