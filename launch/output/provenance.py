"""Where results come from: versions, machine, code."""

import platform
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import vladser

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "opensmile", "audresample")


class Machine(NamedTuple):
    """Where something was trained."""

    host: str
    devices: list[str]

    @property
    def on_cpus(self) -> bool:
        """Whether a device takes one training after another."""
        return self.devices[0].startswith("cpu")


def machine() -> Machine:
    """Returns this machine, with all of its devices."""
    import jax

    devices = [f"{d.platform}: {d.device_kind}" for d in jax.local_devices()]
    return Machine(platform.node(), devices)


def environment(
    code: Mapping[str, str] | None = None, devices: Sequence[str] | None = None
) -> dict[str, Any]:
    """Returns what the figures of a run may depend on beside its flags and data.

    Args:
      code: the digests of the user's own files by name, see `own_code.sources`.
      devices: those that are not of this machine.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "vladser": vladser.__version__,
        "revision": _revision(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "host": {"name": platform.node(), "system": platform.platform()},
        "devices": machine().devices if devices is None else [*devices],
        "code": dict(code or {}),
    }


def _revision() -> str | None:
    """Returns the commit of the sources, with "+" where they differ from it."""
    folder = Path(vladser.__file__).parent.parent
    if not (folder / ".git").exists():
        return None
    describe = "describe --always --exclude=* --abbrev=40 --dirty=+"
    command = ["git", "-C", str(folder), *describe.split()]
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout.strip() or None
    return None
