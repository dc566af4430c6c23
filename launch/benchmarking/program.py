"""The part of the benchmark that needs jax."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from launch.benchmarking import (
    agreement,
    contest,
    corpora,
    curves,
    extraction,
    prediction,
    report,
    streaming,
    workloads,
)
from launch.experiment import terminal
from vladser.features.cores import cores
from vladser.types import Dataset

if TYPE_CHECKING:
    from launch.benchmark import Settings


def run(settings: "Settings") -> dict[str, Any]:
    """Measures what the flags ask for, and prints a table each.

    Returns:
      all figures, and the machine that they are of.
    """
    result = report.machine()
    result |= {"workloads": _contests(settings), "curves": _curves(settings)}
    wavs = sorted(settings.data_dir.glob("wav/*.wav")) if settings.data_dir else []
    how = wavs, settings.rounds, cores()
    if settings.extraction:
        result["extraction"] = found = extraction.measure(*how)
        _show(report.beside_opensmile("extraction", found))
    if settings.prediction:
        result["prediction"] = found = prediction.measure(settings.prediction, *how)
        _show(report.beside_opensmile("prediction", found))
    if settings.streaming:
        result["streaming"] = streaming.measure(wavs, settings.rounds)
        _show(report.streaming(result["streaming"]))
    return result


def _contests(settings: "Settings") -> list[dict[str, Any]]:
    agreed, left_out = _agreeing(settings.peers if settings.workloads else ())
    results = []
    for name in settings.workloads:
        workload = workloads.make(
            name,
            _corpus(name, settings),
            settings.trials,
            settings.frames,
            settings.rounds + 1,
        )
        names = ["ours", *agreed]
        found = contest.measure(workload, names, settings.rounds, terminal.say)
        results.append(found | {"agreement": agreed, "left_out": left_out})
        _show(report.contest(results[-1]))
    return results


def _agreeing(peers: Iterable[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Peers that train our model, with the largest error; of the others, why not."""
    agreed, left_out = {}, {}
    for name in peers:
        try:
            error = agreement.check(name)
        except ModuleNotFoundError as missing:
            left_out[name] = f"{missing.name} is not installed"
            continue
        if error <= agreement.TOLERANCE:
            agreed[name] = error
        else:
            left_out[name] = f"disagrees: relative error {error:.1e}"
    if agreed or left_out:
        left_out["flashrnn"] = "not written: no NVIDIA GPU was at hand to try it on"
    return agreed, left_out


def _corpus(name: str, settings: "Settings") -> Dataset:
    if name == "iemocap":
        return corpora.iemocap()
    return corpora.emodb(settings.data_dir, settings.cache_dir)


def _curves(settings: "Settings") -> dict[str, list[dict[str, Any]]]:
    common = settings.frames, settings.rounds, terminal.say
    found = {}
    for over in settings.curves:
        if over == "trials":
            points = curves.over_trials(_corpus("emodb", settings), *common)
        elif over == "length":
            peers, _ = _agreeing({"torch_padded"} & set(settings.peers))
            points = curves.over_lengths(list(peers), *common)
        else:
            points = curves.over_devices(_flags_of_one(settings))
        found[over] = list(points)
        _show(report.curve(over, found[over]))
    return found


def _flags_of_one(settings: "Settings") -> list[str]:
    """The flags that measure ours alone, on emodb."""
    names = ("trials", "rounds", "frames", "cache_dir", "data_dir")
    said = {name: getattr(settings, name) for name in names}
    given = [f"--{name}={value}" for name, value in said.items() if value is not None]
    return ["--workloads=emodb", "--peers=none", *given]


def _show(table: str) -> None:
    print(table, end="\n\n", flush=True)
