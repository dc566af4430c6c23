import os

import pytest

from vladser.machine import cores, memory, spread

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
V1 = "4:memory:/box\n2:cpu,cpuacct:/box\n1:name=systemd:/\n"


def test_without_control_groups_all_that_the_process_may_use_count(tmp_path):
    assert cores(tmp_path) == HERE


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/pod/box", {"pod/box/cpu.max": "max 100000"}, HERE),
        ("0::/pod/box", {"pod/box/cpu.max": "10000 100000"}, 1),
        ("0::/pod/box", {"pod/cpu.max": "150000 100000"}, min(2, HERE)),
        ("0::/of-the-host/box", {"cpu.max": "100000 100000"}, 1),
        ("0::/pod/box", {"cpu.max": "nonsense"}, HERE),
        (V1, {"cfs_quota_us": "100000", "cfs_period_us": "100000"}, 1),
        (V1, {"cfs_quota_us": "-1", "cfs_period_us": "100000"}, HERE),
    ],
)
def test_quotas_of_the_group_and_of_those_around_it_count(
    tmp_path, groups, limits, expected
):
    files = {"proc/self/cgroup": groups}
    for name, limit in limits.items():
        name = f"cpu,cpuacct/box/cpu.{name}" if groups == V1 else name
        files[f"sys/fs/cgroup/{name}"] = limit
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    assert cores(tmp_path) == expected


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("0::/box", "box/memory.max"),
        ("4:memory:/box", "memory/box/memory.limit_in_bytes"),
    ],
)
def test_the_memory_is_that_of_the_machine_or_what_its_groups_allow(
    tmp_path, line, file
):
    machine = memory(tmp_path)
    assert machine > 2**26
    limited = tmp_path / "sys/fs/cgroup" / file
    for folder in tmp_path / "proc/self", limited.parent:
        folder.mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"{line}\n")
    for limit, expected in ("max", machine), (f"{2**26}", 2**26), (f"{2**62}", machine):
        limited.write_text(f"{limit}\n")
        assert memory(tmp_path) == expected


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_work_that_is_spread_comes_in_order(count):
    assert [*spread(lambda n: n * n, count)] == [n * n for n in range(count)]
