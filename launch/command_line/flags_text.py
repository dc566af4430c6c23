"""Settings as text: the flagfile that repeats a run."""

from collections.abc import Iterator

from launch.command_line.flags import PROCESS, Settings

_NOT_REPEATED = {*PROCESS, "flagfile", "run_dir", "fresh", "dry_run"}
# What results do not depend on: where data is and how work is divided.
_LOCAL = (
    *("--data_dir=", "--test_data_dir=", "--cache_dir=", "--workers="),
    *("--trials_at_once=", "--checkpoint_minutes=", "--final_model="),
)


def write(settings: Settings) -> str:
    """Returns a flagfile that repeats the run from any folder and with any number of
    processes: all flags but those of the process, run_dir, fresh and dry_run."""
    return "".join(f"{line}\n" for line in _lines(settings))


def agreed(settings: Settings) -> list[str]:
    """Returns the flags that all processes of an experiment share, a line each."""
    return shared(list(_lines(settings)))


def shared(lines: list[str]) -> list[str]:
    """Returns those lines of `write` that results depend on."""
    return [line for line in lines if not line.startswith(_LOCAL)]


def _lines(settings: Settings) -> Iterator[str]:
    for field, value in vars(settings).items():
        if field == "emotions":
            value = ",".join("+".join(merged) for merged in value)
        flags = value if field == "condition" else {field: value}
        for name, said in flags.items():
            if name in _NOT_REPEATED or said is None:
                continue
            for text in said if name == "grid" else [said]:
                shown = str(text).lower() if isinstance(text, bool) else text
                yield f"--{name}={shown}"
