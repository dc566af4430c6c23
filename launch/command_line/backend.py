"""Configures jax, before its first use."""

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from launch.command_line import environment
from vladser import files
from vladser.errors import InputError

try:
    import jax
except ValueError as error:  # of a setting in JAX_*
    raise InputError(f"jax cannot be imported: {error}") from error


DETERMINISTIC = "--xla_gpu_deterministic_ops=true"  # in XLA_FLAGS
_PROGRAMS = "*-cache"
_LINE = re.compile(r"^([0-9a-f]{64})  (\S+)$", re.MULTILINE)
_COMPILED = "/jax/core/compile/backend_compile_duration"


def settle(**settings: Any) -> None:
    """Configures jax as every program does, whatever JAX_* say of that.

    Args:
      **settings: more of jax's settings, without "jax_".
    """
    for name, value in environment.JAX.items():
        jax.config.update(name, value)
    for name, value in settings.items():
        jax.config.update(f"jax_{name}", value)


def prepare(cores: int, cache_dir: Path, deterministic: bool = False) -> None:
    """Configures what the environment does not: one CPU device per core, on which
    trials are trained at once (no effect where jax finds an accelerator), and a cache
    of compiled programs for the next run.

    Args:
      cores: the number of CPU devices.
      cache_dir: of the programs, if it can be read and written.
      deterministic: GPUs take no algorithm whose results differ from run to run, and
        choose none by timing it.
    """
    settle()
    flags = os.environ.get("XLA_FLAGS", "")
    if deterministic:  # XLA reads them when jax first looks for devices
        os.environ["XLA_FLAGS"] = f"{flags} {DETERMINISTIC}".strip()
    told = "xla_force_host_platform_device_count" in flags
    config: Any = jax.config  # whose attributes are made at run time
    if config.jax_num_cpu_devices < 0 and not told:
        jax.config.update("jax_num_cpu_devices", cores)
    if config.jax_compilation_cache_dir is None:
        with suppress(OSError):
            guard(cache_dir)
            jax.config.update("jax_compilation_cache_dir", str(cache_dir))
            # Many programs compile fast: keep them too.
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    # A program that cannot be kept or read is compiled again, which only takes time.
    warnings.filterwarnings("ignore", "Error .* persistent compilation cache entry")


def check() -> None:
    """Raises InputError where jax finds no device; call it when processes have joined,
    since devices can be looked for but once."""
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0] or "it is not installed"
        asked = os.environ.get("JAX_PLATFORMS", "")
        raise InputError(f"JAX_PLATFORMS={asked}: no device: {reason}") from error


def guard(folder: Path) -> None:
    """Removes the programs in a folder that differ from its SHA256SUMS, and adds to
    that file each that jax writes there from now on. Raises OSError where a file cannot
    be read or removed: none should be used.

    A killed process may leave a program cut short. jax notices damage where it
    compresses by zlib, but never replaces the file; where zstandard is installed, and
    from Python 3.14 on, there is no checksum: the program crashes, or computes
    something else.
    """
    sums = folder / files.SUMS
    text = sums.read_text(encoding="ascii", errors="replace") if sums.exists() else ""
    known = {name: digest for digest, name in _LINE.findall(text)}
    for program in folder.glob(_PROGRAMS):
        with suppress(FileNotFoundError):  # another process was faster
            if known.get(program.name) != files.digest(program):
                known.pop(program.name, None)
                program.unlink()

    def note(event: str, duration_secs: float, **_: str | int) -> None:
        if event != _COMPILED:
            return
        with suppress(OSError):  # a program without a line is compiled again
            for program in folder.glob(_PROGRAMS):
                if program.name not in known:
                    known[program.name] = files.digest(program)
                    with sums.open("a", encoding="ascii") as file:
                        file.write(f"{known[program.name]}  {program.name}\n")

    jax.monitoring.register_event_duration_secs_listener(note)
