"""Settings as text: the flagfile that repeats a run."""

from collections.abc import Iterator

from launch.command_line.flags import PROCESS, Settings

_OWN = tuple(
    f"--{name}="
    for name in (
        "data_dir",
        "test_data_dir",
        "cache_dir",
        "workers",
        "trials_per_chunk",
        "checkpoint_minutes",
        "final_model",
    )
)


def write(settings: Settings) -> str:
    """Returns a flagfile that repeats the run, wherever and by however many processes:
    all flags but those of the process, run_dir, fresh and dry_run."""
    return "".join(f"{line}\n" for line in _lines(settings))


def agreed(settings: Settings) -> list[str]:
    """The flags that all processes of an experiment have in common, a line each."""
    return shared(list(_lines(settings)))


def shared(lines: list[str]) -> list[str]:
    """Of lines that `write` wrote those that results depend on: where a process finds
    its data, and how much it does at once, is its own affair."""
    return [line for line in lines if not line.startswith(_OWN)]


def _lines(settings: Settings) -> Iterator[str]:
    left_out = {*PROCESS, "run_dir", "fresh", "dry_run"}
    said = vars(settings) | {
        "emotions": [",".join("+".join(merged) for merged in settings.emotions)]
    }
    for name, value in said.items():
        if name in left_out or value is None:
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            yield f"--{name}={str(one).lower() if isinstance(one, bool) else one}"
