"""The cores that this process may use: what jobs and processes are cut by."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_VERSION_1 = ["cpu.cfs_quota_us", "cpu.cfs_period_us"]


def cores(root: Path = Path("/")) -> int:
    """Returns how many cores the affinity of this process and the quotas of its control
    groups, which containers have, allow. /proc and /sys are below `root`."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on a Mac
    available = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([available, *map(math.ceil, _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yields the limits, in cores, of the groups that this process is in."""
    lines = []
    with suppress(OSError):  # no Linux
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)  # version 2 names no controllers
        # In a container the path may be that of the host, and only its root be there.
        for group in (Path(path), *Path(path).parents):
            folder = root / "sys/fs/cgroup" / controllers / str(group).lstrip("/")
            with suppress(OSError, ValueError):  # no limit: no file, "max", or -1
                names = _VERSION_1 if controllers else ["cpu.max"]
                texts = [(folder / name).read_text() for name in names]
                quota, period = " ".join(texts).split()
                if int(quota) > 0:
                    yield int(quota) / int(period)
