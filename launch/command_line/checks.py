"""Which settings of an experiment go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vladser import registry
from vladser.condition import Condition
from vladser.errors import InputError

if TYPE_CHECKING:
    from launch.command_line.flags import Settings


def require(settings: Settings, conditions: Sequence[Condition]) -> None:
    """Raises InputError where flags do not go together.

    Args:
      settings: what the flags say.
      conditions: those that they describe.
    """
    s = settings
    alone, nothing = s.test_corpus is None, s.hold_out == "none"
    alike = {value is None for value in (s.num_processes, s.process_id)}
    free, auto = s.coordinator is None, s.coordinator == "auto"
    wrong: dict[str, Any] = {
        "--test_data_dir is the folder of a --test_corpus: name that": (
            s.test_data_dir and alone
        ),
        f"--hold_out={s.hold_out} does not go with --test_corpus, all of which is held "
        "out": s.hold_out != "speaker" and not alone,
        "--validation=partner goes with --hold_out=speaker on one corpus only": (
            s.validation == "partner" and not (s.hold_out == "speaker" and alone)
        ),
        "--coordinator, --num_processes and --process_id go together, but for "
        "--coordinator=auto, which finds the others": alike != {free or auto},
        f"--process_id={s.process_id}: expected less than --num_processes="
        f"{s.num_processes}": (s.process_id or 0) >= (s.num_processes or 1),
        "--hold_out=none tests nothing: it goes with --final_model": (
            nothing and not s.final_model
        ),
        "--hold_out=none is one training: leave --coordinator out": nothing
        and not free,
        "--final_model needs --standardize=train: the mean and deviation of future "
        "speakers are unknown": s.final_model and s.standardize == "speaker",
        "--final_model trains on one corpus: expected no --test_corpus and "
        f"one condition, got {len(conditions)}": (
            s.final_model and not (alone and len(conditions) == 1)
        ),
    }
    for features in dict.fromkeys(c.features for c in conditions):
        in_files = registry.features.build(features).setup is None
        for name, corpus in ("corpus", s.corpus), ("test_corpus", s.test_corpus):
            wrong[
                f"--features={features.name} goes with --{name}=manifest, which names "
                f".npy files, not with {corpus}"
            ] = in_files and corpus not in (None, "manifest")
    for problem, holds in wrong.items():
        if holds:
            raise InputError(problem)


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
