"""The flags of an experiment and the values they stand for, in one place.

The defaults reproduce the paper.
"""
# ruff: noqa: RUF009 (`flag` is dataclasses.field with metadata)

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from absl import flags
from platformdirs import user_cache_path

from launch.command_line import grids, parsers
from launch.command_line.grids import Grid
from launch.command_line.parsers import (
    address,
    below_1,
    boolean,
    count,
    flag,
    index,
    not_negative,
    one_of,
    path,
    positive,
    share,
)
from vladser import condition, registry
from vladser.condition import Condition
from vladser.corpora import emotions, readers
from vladser.data import folds
from vladser.errors import InputError
from vladser.features.cores import cores
from vladser.types import Part

PROCESS = {"coordinator", "num_processes", "process_id"}


@dataclass(frozen=True)
class Settings:
    """What the flags say, parsed and checked: a field a flag.

    The folders of data and `cache_dir` are absolute. `emotions` holds a tuple a class:
    the emotions merged into it, the one that names it first.
    """

    corpus: str = flag(
        "Data",
        None,
        readers.parse,
        f"One of {', '.join(readers.names())}, or the import path of a reader of your "
        "own. Required.",
    )
    data_dir: Path = flag(
        "Data",
        None,
        path,
        "The folder of the corpus; for manifest, the CSV file. Required, but for demo, "
        "which is synthesized there (default: demo in cache_dir).",
    )
    cache_dir: Path = flag(
        "Data",
        None,
        path,
        f"Where features are kept (default: {user_cache_path('vladser')}).",
    )
    features: Part = flag(
        "Data",
        "vladser147",
        registry.features.parse,
        "What describes a frame: vladser147, the paper's 147 descriptors; a set of "
        "openSMILE's own, ComParE_2016 or eGeMAPSv02; npy(name=..., dim=...), where a "
        "manifest lists .npy files of [frames, D]; or one of your own, by its import "
        "path.",
    )
    emotions: tuple[tuple[str, ...], ...] = flag(
        "Data",
        "angry,happy+excited,sad,neutral",
        emotions.parse,
        "The classes; + merges emotions under the name of the first.",
    )
    test_corpus: str | None = flag(
        "Data",
        None,
        readers.parse,
        "Another corpus, to test on: what --corpus names is trained on as a whole.",
    )
    test_data_dir: Path | None = flag(
        "Data", None, path, "The folder of that corpus, as --data_dir."
    )
    on_bad_audio: str = flag(
        "Data",
        "stop",
        one_of("stop", "skip"),
        "On files that are not usable audio: stop after listing all, or skip them.",
    )
    max_seconds: float = flag("Data", 60, positive, "Longer audio is not usable.")
    workers: int = flag("Data", cores(), count, "Processes that extract features.")

    aggregator: Part = flag(
        "Model",
        "netvlad",
        registry.aggregators.parse,
        "How the frames become one vector, NAME or NAME(option=value,...): "
        f"{', '.join(registry.aggregators.names())}, or one of your own by its import "
        "path, as with all parts of the model.",
    )
    encoder: Part = flag(
        "Model",
        "lstm",
        registry.encoders.parse,
        "What the frames go through before: "
        f"{', '.join(registry.encoders.names())}. bilstm cannot stream.",
    )
    cells: int | None = flag(
        "Model", None, count, "Cells of the encoder (default: 64)."
    )
    head: Part = flag(
        "Model",
        "linear",
        registry.heads.parse,
        f"What classifies the vector: {', '.join(registry.heads.names())}.",
    )
    noise: float = flag(
        "Model",
        0.01,
        not_negative,
        "Standard deviation of the noise on the standardized features in training.",
    )
    dropout: float = flag(
        "Model", 0.5, below_1, "Share of the encoder's outputs dropped in training."
    )
    objective: Part = flag(
        "Model",
        "cross_entropy",
        registry.objectives.parse,
        f"What training minimizes: {', '.join(registry.objectives.names())}.",
    )
    smoothing: str | None = flag(
        "Model",
        None,
        one_of("none", "uniform", "unigram"),
        "The prior of soft labels: none, uniform, or unigram, the fold's class shares "
        "(default: unigram).",
    )
    alpha: float | None = flag(
        "Model", None, share, "Weight of that prior in the labels (default: 0.2)."
    )
    class_weights: float | None = flag(
        "Model",
        None,
        share,
        "How far the utterances of rare classes weigh more in the loss: from 0, all "
        "alike, to 1, by the inverse of the fold's class shares (default: 0).",
    )
    focal: float | None = flag(
        "Model",
        None,
        not_negative,
        "Gamma of the focal loss, which makes less of what is easy already; 0 is none "
        "(default: 0).",
    )
    logit_adjustment: float | None = flag(
        "Model",
        None,
        not_negative,
        "Tau of logit adjustment: the loss adds tau log(class share) to the logits, so "
        "that rare classes are not answered less for being rare; 0 is none (default: "
        "0).",
    )
    grid: tuple[Grid, ...] = flag(
        "Model",
        None,
        lambda text: _grid(text),
        "Several conditions: SETTING=VALUE,VALUE,...; SETTING=... stands for all "
        f"combinations of the values. Settings are {', '.join(condition.names())}; "
        "what a "
        "grid leaves out is as the flags say. Of several grids the union is trained",
        repeatable=True,
    )

    seeds: int = flag("Training", 5, count, "How many times each fold is trained.")
    epochs: int = flag("Training", 50, count, "Passes over the training utterances.")
    batch_size: int = flag("Training", 32, count, "Utterances a step.")
    optimizer: Part = flag(
        "Training",
        "adadelta",
        registry.optimizers.parse,
        f"How a gradient changes the model: {', '.join(registry.optimizers.names())}.",
    )
    learning_rate: float | None = flag(
        "Training",
        None,
        positive,
        "The optimizer's learning rate (default: its own, 1 for adadelta).",
    )
    rho: float | None = flag(
        "Training", None, below_1, "Decay of Adadelta's averages (default: 0.95)."
    )

    hold_out: str = flag(
        "Protocol",
        "speaker",
        one_of(*folds.HOLD_OUT),
        "What a fold tests on: one speaker, one session, or the corpus's test split; "
        "none tests nothing, for --final_model alone.",
    )
    validation: str = flag(
        "Protocol",
        "none",
        one_of(*folds.VALIDATION),
        "Which epoch counts: none, the last; partner, the best on the other speaker of "
        "the held-out speaker's session, who is then left out of training.",
    )
    standardize: str = flag(
        "Protocol",
        "train",
        one_of("train", "speaker"),
        "Whose mean and deviation standardize the features: the training speakers', or "
        "each speaker's own, the tested ones included (transductive).",
    )

    trials_per_chunk: int | None = flag(
        "Machines",
        None,
        count,
        "Trainings side by side, on all devices of a process together (default: as "
        "many as their memory is estimated to hold).",
    )
    coordinator: str | None = flag(
        "Machines",
        None,
        address,
        "HOST:PORT of process 0, for several processes that share an experiment: each "
        "runs this command. auto: what jax finds in a job of Slurm, Open MPI, "
        "Kubernetes or Cloud TPU, the next two flags included.",
    )
    num_processes: int | None = flag(
        "Machines", None, count, "How many processes there are."
    )
    process_id: int | None = flag(
        "Machines",
        None,
        index,
        "Which of them this is, from 0. Process 0 writes the results.",
    )

    run_dir: Path = flag(
        "Output",
        None,
        path,
        "A new folder for the results (default: runs/NAME, after the flagfile or, "
        "without one, the corpus).",
    )
    final_model: bool = flag(
        "Output",
        "false",
        boolean,
        "Trains on all speakers at last, and writes that model into run_dir/model.",
    )
    fresh: bool = flag(
        "Output",
        "false",
        boolean,
        "Begins anew where run_dir holds a run, finished or not, which is renamed.",
    )
    checkpoint_minutes: float = flag(
        "Output",
        5,
        not_negative,
        "Minutes between two checkpoints, from which the same command goes on.",
    )
    dry_run: bool = flag("Output", "false", boolean, "Says what would run, and stops.")


def define(values: flags.FlagValues) -> None:
    """Defines the flags of an experiment on `values`."""
    parsers.define(values, Settings)


def read(values: flags.FlagValues) -> Settings:
    """Returns the settings that parsed flags stand for.

    Raises:
      InputError: flags that are missing or do not go together, or no such data_dir.
    """
    given: dict[str, Any] = {f.name: values[f.name].value for f in fields(Settings)}
    cache_dir = (given["cache_dir"] or user_cache_path("vladser")).absolute()
    if given["corpus"] is None:
        raise InputError(f"--corpus is required: one of {', '.join(readers.names())}")
    if given["test_data_dir"] and not given["test_corpus"]:
        raise InputError("--test_data_dir is the folder of a --test_corpus: name that")
    if given["test_corpus"] and given["hold_out"] != "speaker":
        raise InputError(
            f"--hold_out={given['hold_out']} does not go with --test_corpus, all of "
            "which is held out"
        )
    if given["validation"] == "partner" and (
        given["hold_out"] != "speaker" or given["test_corpus"]
    ):
        raise InputError(
            "--validation=partner goes with --hold_out=speaker on one corpus only"
        )
    _check_features(given)
    _check_machines(given)
    _check_model(given)
    name = Path(values.flagfile).stem if values.flagfile else given["corpus"]
    given |= {
        "data_dir": _folder(given, "corpus", "data_dir", cache_dir),
        "test_data_dir": _folder(given, "test_corpus", "test_data_dir", cache_dir),
        "cache_dir": cache_dir,
        "grid": tuple(given["grid"] or ()),
        "run_dir": given["run_dir"] or Path("runs", name),
    }
    settings = Settings(**given)
    many = len(conditions(settings))
    if settings.final_model and many > 1:
        raise InputError(
            f"--final_model is one model: --grid asks for {many} conditions, name one"
        )
    return settings


def _folder(
    given: dict[str, Any], corpus: str, data_dir: str, cache_dir: Path
) -> Path | None:
    name, folder = given[corpus], given[data_dir]
    if name == "demo":
        folder = folder or cache_dir / "demo"
    elif name and folder is None:
        raise InputError(f"--{data_dir} is required: where the corpus {name} is")
    elif name and not folder.exists():
        raise InputError(f"--{data_dir}={folder}: no such file or folder")
    return folder and folder.absolute()


def _check_features(given: dict[str, Any]) -> None:
    if registry.features.build(given["features"]).setup is None:
        for name in "corpus", "test_corpus":
            if given[name] not in (None, "manifest"):
                raise InputError(
                    f"--features={given['features'].name} goes with "
                    f"--{name}=manifest, which names .npy files, and not with "
                    f"{given[name]}"
                )


def _check_machines(given: dict[str, Any]) -> None:
    said = {name for name in PROCESS if given[name] is not None}
    if given["coordinator"] == "auto":
        if said != {"coordinator"}:
            raise InputError(
                "--coordinator=auto finds the other two flags: leave them out"
            )
    elif said and said != PROCESS:
        raise InputError(
            "--coordinator, --num_processes and --process_id go together: "
            f"--{min(PROCESS - said)} is missing"
        )
    elif said and given["process_id"] >= given["num_processes"]:
        raise InputError(
            f"--process_id={given['process_id']}: should be below --num_processes="
            f"{given['num_processes']}"
        )


def _check_model(given: dict[str, Any]) -> None:
    """What a final model goes with."""
    if given["hold_out"] == "none" and not given["final_model"]:
        raise InputError("--hold_out=none tests nothing: it goes with --final_model")
    if given["hold_out"] == "none" and given["coordinator"]:
        raise InputError("--hold_out=none is one training: leave --coordinator out")
    if given["final_model"] and given["standardize"] == "speaker":
        raise InputError(
            "--final_model needs --standardize=train: of the speakers that it will "
            "hear it knows no mean"
        )
    if given["final_model"] and given["test_corpus"]:
        raise InputError(
            "--final_model trains on all of one corpus: leave --test_corpus out"
        )


def conditions(settings: Settings) -> list[Condition]:
    """The conditions that the settings describe.

    Raises:
      InputError: grids that say the same twice, or an alpha that means nothing.
    """
    base = {name: getattr(settings, name) for name in condition.names()}
    given = {name: value for name, value in base.items() if value is not None}
    return grids.conditions(settings.grid, given)


def _grid(text: str) -> Grid:
    parsers = {field.name: field.metadata["parse"] for field in fields(Settings)}
    return grids.parse(text, {name: parsers[name] for name in condition.names()})
