import os

import pytest

from vladser.features.cores import cores

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
