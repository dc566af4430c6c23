"""Settings as text: the flagfile that repeats a run."""

from collections.abc import Iterator

from launch.flags import PROCESS, Settings


def write(settings: Settings) -> str:
    """Returns a flagfile that repeats the run, wherever and by however many processes:
    all flags but those of the process, run_dir and dry_run."""
    return "".join(f"{line}\n" for line in _lines(settings))


def agreed(settings: Settings) -> list[str]:
    """The flags that all processes of an experiment have in common, a line each: where
    a process finds its data, and how much it does at once, is its own affair."""
    own = ("data_dir", "test_data_dir", "cache_dir", "workers", "trials_per_chunk")
    return list(_lines(settings, own))


def _lines(settings: Settings, left_out: tuple[str, ...] = ()) -> Iterator[str]:
    left_out = {*PROCESS, "run_dir", "dry_run", *left_out}
    said = vars(settings) | {
        "emotions": [",".join("+".join(merged) for merged in settings.emotions)]
    }
    for name, value in said.items():
        if name in left_out or value is None:
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            yield f"--{name}={one}"
