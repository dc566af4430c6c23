"""The cores and the memory that this process may use, and work on all of the cores."""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

_AHEAD = 256  # results that may wait until they are asked for


def cores(root: Path = Path("/")) -> int:
    """Returns how many cores the affinity and the control groups (of a container) of
    this process allow; /proc and /sys are below `root`."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on a Mac
    available = len(affinity(0)) if affinity else os.cpu_count() or 1
    limits = _limits(root, ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    quotas = [quota / period for quota, period in limits if quota > 0]
    return max(1, min([available, *map(math.ceil, quotas)]))


def memory(root: Path = Path("/")) -> int:
    """Returns how many bytes the machine has or the control groups allow."""
    available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = _limits(root, ("memory.max",), ("memory.limit_in_bytes",))
    return min([available, *(limit for (limit,) in limits if limit > 0)])


def spread(function: Callable[[int], Any], count: int) -> Iterator[Any]:
    """Yields what a function makes of the numbers from 0 to `count`, in their order,
    from a thread a core; it is to spend its time in numpy or in files."""
    with ThreadPoolExecutor(cores()) as threads:
        for begin in range(0, count, _AHEAD):
            yield from threads.map(function, range(count)[begin : begin + _AHEAD])


def _limits(
    root: Path, names: tuple[str, ...], names_1: tuple[str, ...]
) -> Iterator[list[int]]:
    """Yields the numbers in the files of each group, `names_1` those of version 1."""
    lines = []
    with suppress(OSError):  # no Linux
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)  # version 2 names no controllers
        # In a container the path may be that of the host, and only its root be there.
        for group in (Path(path), *Path(path).parents):
            folder = root / "sys/fs/cgroup" / controllers / str(group).lstrip("/")
            with suppress(OSError, ValueError):  # no limit: no file, "max", or -1
                texts = [
                    (folder / name).read_text(encoding="utf-8")
                    for name in (names_1 if controllers else names)
                ]
                yield [int(word) for word in " ".join(texts).split()]
