"""Which settings of an experiment go together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vladser.condition import Condition
from vladser.errors import InputError

if TYPE_CHECKING:
    from launch.command_line.flags import Settings


def require(settings: Settings) -> None:
    """Raises InputError where flags do not go together."""
    for problem in _problems(settings):
        raise InputError(problem)


def require_one(final_model: bool, conditions: Sequence[Condition]) -> None:
    """Raises InputError where a final model would be one of several conditions."""
    if final_model and len(conditions) > 1:
        raise InputError(
            f"--final_model is one model: expected one condition, got --grid of "
            f"{len(conditions)}"
        )


def folders(settings: Settings) -> dict[str, Any]:
    """Returns the absolute paths of the corpora, by flag.

    Raises:
      InputError: a path is missing, or does not exist.
    """
    paths = {}
    for corpus, flag in ("corpus", "data_dir"), ("test_corpus", "test_data_dir"):
        name, path = getattr(settings, corpus), getattr(settings, flag)
        if name == "demo":
            path = path or settings.cache_dir / "demo"
        elif name and path is None:
            raise InputError(f"--{flag} is required: where the corpus {name} is")
        elif name and not path.exists():
            raise InputError(f"--{flag}={path}: no such file or folder")
        paths[flag] = path and path.absolute()
    return paths


def _problems(s: Settings) -> Iterator[str]:
    if s.test_data_dir and not s.test_corpus:
        yield "--test_data_dir is the folder of a --test_corpus: name that"
    if s.test_corpus and s.hold_out != "speaker":
        yield (
            f"--hold_out={s.hold_out} does not go with --test_corpus, all of which is "
            "held out"
        )
    if s.validation == "partner" and (s.hold_out != "speaker" or s.test_corpus):
        yield "--validation=partner goes with --hold_out=speaker on one corpus only"
    for name, corpus in ("corpus", s.corpus), ("test_corpus", s.test_corpus):
        if s.features == "npy" and corpus not in (None, "manifest"):
            yield (
                f"--features=npy goes with --{name}=manifest, which names .npy files, "
                f"not with {corpus}"
            )
    yield from _of_processes(s)
    yield from _of_final_model(s)


def _of_processes(s: Settings) -> Iterator[str]:
    flags = {
        "coordinator": s.coordinator,
        "num_processes": s.num_processes,
        "process_id": s.process_id,
    }
    missing = [name for name, value in flags.items() if value is None]
    if s.coordinator == "auto":
        if len(missing) < 2:
            yield "--coordinator=auto finds the other two flags: leave them out"
    elif missing and len(missing) < 3:
        names = "--coordinator, --num_processes and --process_id"
        yield f"{names} go together: --{missing[0]} is missing"
    elif s.num_processes and s.process_id and s.process_id >= s.num_processes:
        yield (
            f"--process_id={s.process_id}: expected less than --num_processes="
            f"{s.num_processes}"
        )


def _of_final_model(s: Settings) -> Iterator[str]:
    if s.hold_out == "none" and not s.final_model:
        yield "--hold_out=none tests nothing: it goes with --final_model"
    if s.hold_out == "none" and s.coordinator:
        yield "--hold_out=none is one training: leave --coordinator out"
    if s.final_model and s.standardize == "speaker":
        yield (
            "--final_model needs --standardize=train: the mean and deviation of future "
            "speakers are unknown"
        )
    if s.final_model and s.test_corpus:
        yield "--final_model trains on all of one corpus: leave --test_corpus out"
