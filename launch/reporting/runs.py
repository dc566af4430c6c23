"""Reads a run directory, and says in one line what is wrong with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from launch.experiment import digests
from launch.reporting import consistency
from launch.reporting.shape import COUNT, NUMBER, SHARE, Number, OneOf, check
from vladser.errors import InputError

_UA = {
    "mean_of_folds": SHARE,
    "mean_of_speakers": SHARE,
    "std_over_seeds": (SHARE,),
    "pooled": SHARE,
    "interval": ([NUMBER, NUMBER],),
}
_DIFFERENCE = {
    "condition": str,
    "difference": NUMBER,
    "interval": ([NUMBER, NUMBER],),
    "p": SHARE,
    "p_holm": SHARE,
}
_SUMMARY = {
    "corpus": str,
    "test_corpus": (str,),
    "emotions": [str],
    "conditions": [
        {
            "name": str,
            "aggregator": str,
            "smoothing?": str,
            "alpha?": SHARE,
            "seeds": [NUMBER],
            "ua": _UA,
            "wa": {"mean_of_folds": SHARE, "pooled": SHARE},
            "confusion": [[Number(0, 1e15)]],
            "folds": [{"held_out": str, "utterances": COUNT, "ua": SHARE}],
            "speakers": [{"speaker": str, "utterances": COUNT, "ua": SHARE}],
        }
    ],
    "comparisons": [
        {
            "family": str,
            "reference": str,
            "speakers": COUNT,
            "least_p": SHARE,
            "differences": [_DIFFERENCE],
        }
    ],
    "skipped": [{"utterance": str, "reason": str}],
    "failed": [
        {"condition": str, "seed": NUMBER, "fold": str, "epoch": COUNT, "step": COUNT}
    ],
    "training": {
        "train_seconds?": (NUMBER,),
        "real_frames_per_second?": (NUMBER,),
        "padding_efficiency?": (NUMBER,),
    },
}
_DATASET = {"utterances": COUNT, "frames": COUNT, "feature_set": str, "digest": str}
_ENVIRONMENT = {
    **dict.fromkeys(("vladser?", "python?", "date?"), str),
    "revision?": (str,),
    "packages?": {...: (str,)},
    "host?": {"system?": str},
    "devices?": [str],
}
_AUDIT = {
    "findings": [
        {
            "check": str,
            "level": OneOf(("ok", "warning", "error")),
            "count": NUMBER,
            "text": str,
        }
    ]
}
_METRICS = {
    "condition": str,
    "seed": NUMBER,
    "fold": str,
    "epoch": COUNT,
    "loss": NUMBER,
    "validation_ua?": SHARE,
}
_CLUSTERS = {
    "condition": str,
    "seed": NUMBER,
    "fold": str,
    "utterances": [NUMBER],
    "adjusted_rand": (NUMBER,),
    "untrained_rand": (NUMBER,),
    "assignment": [([[NUMBER]],)],
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
        damaged, missing or of another format: names the file, and the line where there
        is one.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; should be a run directory")
    if not (folder / digests.NAME).exists():
        if (folder / "flags.txt").exists():
            raise InputError(f"{folder}: this run has not finished: no {digests.NAME}")
        raise InputError(f"{folder}: not a run directory: no {digests.NAME} in it")
    digests.check(folder)
    run = Run(
        folder=folder,
        flags=_text(folder / "flags.txt"),
        summary=_formatted(folder / "summary.json", _SUMMARY),
        dataset=_json(folder / "dataset.json", _DATASET),
        environment=_json(folder / "environment.json", _ENVIRONMENT),
        findings=_formatted(folder / "audit.json", _AUDIT).get("findings", []),
        metrics=list(_lines(folder / "metrics.jsonl", _METRICS)),
        clusters=list(_lines(folder / "clusters.jsonl", _CLUSTERS)),
    )
    consistency.check(run)
    return run


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
    check(found, shape, str(path))
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
    except (ValueError, RecursionError):  # a number or a nest without end
        raise InputError(f"{path}:{line}: damaged JSON") from None
    check(value, shape, f"{path}:{line}" if path.suffix == ".jsonl" else str(path))
    return value
