"""The flags of an experiment, whose defaults reproduce the paper; and as a flagfile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from launch.command_line import fields, flagfiles, grids
from launch.command_line.fields import flag, several
from launch.command_line.grids import Grid
from launch.command_line.parsers import address, names, one_of
from vladser import registry
from vladser.condition import Condition
from vladser.corpora import emotions, readers
from vladser.data import folds
from vladser.errors import InputError
from vladser.machine import cores
from vladser.options import Count, NonNegative, Positive
from vladser.types import Part

_CORPORA = (
    f"one of {', '.join(readers.READERS)}, or the import path of a reader of your own."
)
_NOT_REPEATED = {"flagfile", "verbose", "run_dir", "fresh", "dry_run", "ray"}
# What results do not depend on: where data is and how work is divided.
_LOCAL = (
    *("--data_dir=", "--test_data_dir=", "--cache_dir=", "--workers="),
    *("--trials_at_once=", "--checkpoint_minutes=", "--final_model="),
    "--from_disk=",
)


@dataclass(frozen=True)
class Settings(fields.Settings):
    """What the flags of an experiment say.

    `emotions` holds for each class the emotions merged into it, the one that names it
    first; `condition` the settings of the condition by name, without options not given.

    Attributes:
      data_dir: the folder of the corpus; for manifest, the CSV file. Required except
        for demo, which is synthesized there (default: demo in cache_dir).
      emotions: the classes; + merges emotions under the name of the first.
      test_corpus: another corpus, to test on; all of --corpus is then trained on.
      test_data_dir: the folder of the test corpus, as --data_dir.
      on_bad_audio: what to do about files without usable audio: stop after listing
        them, or skip them.
      max_seconds: longer audio is not usable.
      workers: processes that extract features.
      grid: several conditions: SETTING=VALUE,VALUE,...; SETTING=... stands for all
        combinations of the values. A setting is a flag of the group Condition; settings
        that a grid leaves out are as their flags say. Given several times, the union is
        trained.
      seeds: how many times each fold is trained.
      hold_out: what a fold tests on: one speaker (the default), one session, or the
        test split that the corpus publishes, each of its parts by itself; none tests
        nothing, for --final_model alone.
      validation: which epoch is tested: none (the default), the last; partner, the best
        on the other speaker of the held-out speaker's session, who is then left out of
        training; split, the best on the validation split that the corpus publishes.
      test_speakers: who is tested, instead of the split that the corpus publishes:
        names separated by commas, or @FILE of a name a line. All others are trained on.
      validation_speakers: likewise, on whom the best epoch is chosen; they are then
        left out of training.
      standardize: whose mean and deviation standardize the features: train, the
        training speakers'; speaker, each speaker's own, test speakers included
        (transductive).
      trials_at_once: trials that are trained at once on all devices of a machine
        (default: as many as fit into memory by an estimate and, on a CPU, take seconds
        a step).
      from_disk: reads the frames of each step from the files of features, as always
        where all would take more than half of the memory.
      deterministic: on GPUs, the same numbers in each run, to the bit, as elsewhere;
        otherwise XLA takes the algorithms that it finds fastest in a trial.
      ray: trains on the nodes of a Ray cluster: its HOST:PORT; auto for the one that
        this machine belongs to; local to start one here, to try it.
      run_dir: a new folder for the results (default: runs/NAME, where NAME is that of
        the flagfile or, without one, of the corpus).
      final_model: finally trains one model on all speakers, into run_dir/model.
      fresh: starts anew: a run that run_dir holds, finished or not, is renamed.
      checkpoint_minutes: minutes between two checkpoints, from which the same command
        resumes.
      dry_run: says what would run, and stops there.
    """

    corpus: str = flag("Data", None, readers.parse, _CORPORA, required=True)
    data_dir: Path = flag("Data")
    cache_dir: Path = fields.cache_dir("Data")
    emotions: tuple[tuple[str, ...], ...] = flag(
        "Data", "angry,happy+excited,sad,neutral", emotions.parse
    )
    test_corpus: str | None = flag("Data", None, readers.parse)
    test_data_dir: Path | None = flag("Data")
    on_bad_audio: str = flag("Data", "stop", one_of("stop", "skip"))
    max_seconds: Positive = flag("Data", 60.0)
    workers: Count = flag("Data", cores())

    condition: Mapping[str, Any] = several(grids.flags())

    grid: tuple[Grid, ...] = flag("Training", None, grids.grid, repeatable=True)
    seeds: Count = flag("Training", 5)

    hold_out: str = flag("Protocol", None, one_of(*folds.HOLD_OUT))
    validation: str = flag("Protocol", None, one_of(*folds.VALIDATION))
    test_speakers: tuple[str, ...] | None = flag("Protocol", None, names)
    validation_speakers: tuple[str, ...] | None = flag("Protocol", None, names)
    standardize: str = flag("Protocol", "train", one_of(*folds.STANDARDIZE))

    trials_at_once: Count | None = flag("Machines")
    from_disk: bool = flag("Machines", "false")
    deterministic: bool = flag("Machines", "true")
    ray: str | None = flag("Machines", None, address)

    run_dir: Path = flag("Output")
    final_model: bool = flag("Output", "false")
    fresh: bool = flag("Output", "false")
    checkpoint_minutes: NonNegative = flag("Output", 1.0)
    dry_run: bool = flag("Output", "false")

    def checked(self) -> Self:
        """See `fields.Settings.checked`; also makes folders absolute."""
        # Lists of speakers are a split, in place of the corpus's own.
        hold_out = self.hold_out or ("split" if self.test_speakers else "speaker")
        validation = self.validation or (
            "split" if self.validation_speakers else "none"
        )
        settings = replace(self, hold_out=hold_out, validation=validation)
        _require(settings, conditions(settings))
        name = self.flagfile.stem if self.flagfile else self.corpus
        run_dir = self.run_dir or Path("runs", name)
        if run_dir.name in ("", ".."):  # it may have to be renamed
            run_dir = run_dir.resolve()
        return replace(settings, run_dir=run_dir, **_folders(self))


def conditions(settings: Settings) -> list[Condition]:
    """Returns the conditions that the settings describe, see `grids.conditions`."""
    return grids.conditions(settings.grid, settings.condition)


def features(settings: Settings) -> list[Part]:
    """Returns the features that the conditions have, each once."""
    return [*dict.fromkeys(condition.features for condition in conditions(settings))]


def text(settings: Settings) -> str:
    """Returns a flagfile that repeats the run from any folder: all flags but run_dir,
    fresh, dry_run, verbose and ray."""
    return "".join(f"{line}\n" for line in _lines(settings))


def agreed(settings: Settings) -> list[str]:
    """Returns the flags that results depend on, a line each."""
    return shared(_lines(settings))


def shared(lines: Iterable[str]) -> list[str]:
    """Returns those lines of `text` that results depend on."""
    return [line for line in lines if not line.startswith(_LOCAL)]


def _lines(settings: Settings) -> Iterator[str]:
    for field, value in vars(settings).items():
        if field == "emotions":
            value = ",".join("+".join(merged) for merged in value)
        if field.endswith("_speakers") and value:
            value = flagfiles.names(value)
        for name, said in (value if field == "condition" else {field: value}).items():
            if name in _NOT_REPEATED or said is None:
                continue
            for each in said if name == "grid" else [said]:
                shown = str(each).lower() if isinstance(each, bool) else each
                yield flagfiles.line(name, shown)


def _require(settings: Settings, conditions: Sequence[Condition]) -> None:
    """Raises InputError where flags do not go together."""
    s = settings
    alone, nothing = s.test_corpus is None, s.hold_out == "none"
    wrong: dict[str, Any] = {
        "--test_data_dir is the folder of a --test_corpus: name that": (
            s.test_data_dir and alone
        ),
        "--test_speakers are of one corpus: expected no --test_corpus": (
            s.test_speakers and not alone
        ),
        f"--hold_out={s.hold_out} does not go with --test_corpus, all of which is held "
        "out": s.hold_out != "speaker" and not alone,
        "--validation=partner goes with --hold_out=speaker on one corpus only": (
            s.validation == "partner" and not (s.hold_out == "speaker" and alone)
        ),
        f"--hold_out={s.hold_out} does not go with --test_speakers, who are held out": (
            s.test_speakers and s.hold_out != "split"
        ),
        "--validation_speakers go with --test_speakers": (
            s.validation_speakers and not s.test_speakers
        ),
        "--validation=split goes with --hold_out=split": (
            s.validation == "split" and s.hold_out != "split"
        ),
        f"--validation={s.validation} does not go with --validation_speakers, on whom "
        "the epoch is chosen": s.validation_speakers and s.validation != "split",
        "--validation=split needs --validation_speakers beside --test_speakers": (
            s.validation == "split" and s.test_speakers and not s.validation_speakers
        ),
        "--test_speakers and --validation_speakers name one person: expected others": (
            {*(s.test_speakers or ())} & {*(s.validation_speakers or ())}
        ),
        "--hold_out=none tests nothing: it goes with --final_model": (
            nothing and not s.final_model
        ),
        "--final_model needs --standardize=train: the mean and deviation of future "
        "speakers are unknown": s.final_model and s.standardize == "speaker",
        "--final_model trains on one corpus: expected no --test_corpus": (
            s.final_model and not alone
        ),
        f"--final_model is of one condition, got {len(conditions)}": (
            s.final_model and len(conditions) > 1
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


def _folders(settings: Settings) -> dict[str, Any]:
    """Returns the absolute paths of the corpora, by flag; raises InputError for one
    that is missing or does not exist."""
    paths = {}
    for corpus, folder in ("corpus", "data_dir"), ("test_corpus", "test_data_dir"):
        name, path = getattr(settings, corpus), getattr(settings, folder)
        if name == "demo":
            path = path or settings.cache_dir / "demo"
        elif name and path is None:
            raise InputError(f"--{folder} is required: where the corpus {name} is")
        elif name and not path.exists():
            raise InputError(f"--{folder}={path}: no such file or folder")
        paths[folder] = path and path.absolute()
    return paths
