import os

import pytest

from vladser.features.cores import cores, memory

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@pytest.fixture
def write(tmp_path):
    """Writes a file below the root that is read in the place of the system's."""

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    return write


def test_without_control_groups_all_that_the_process_may_use_count(tmp_path):
    assert cores(tmp_path) == HERE


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", HERE),
        ("100000 100000", 1),
        ("10000 100000", 1),
        ("150000 100000", min(2, HERE)),
        ("6400000 100000", HERE),
        ("nonsense", HERE),
    ],
)
@pytest.mark.parametrize("group", ["/pod/box", "/pod", "/"])
def test_quotas_of_the_group_and_of_those_around_it_count(
    write, tmp_path, limit, expected, group
):
    write("proc/self/cgroup", "0::/pod/box\n")
    write(f"sys/fs/cgroup{group}/cpu.max", f"{limit}\n")
    assert cores(tmp_path) == expected


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "expected"), [("100000", 1), ("-1", HERE)])
def test_quotas_of_version_1_count(write, tmp_path, mount, quota, expected):
    write("proc/self/cgroup", f"4:memory:/box\n2:{mount}:/box\n1:name=systemd:/\n")
    write(f"sys/fs/cgroup/{mount}/box/cpu.cfs_quota_us", f"{quota}\n")
    write(f"sys/fs/cgroup/{mount}/box/cpu.cfs_period_us", "100000\n")
    assert cores(tmp_path) == expected


def test_a_path_of_the_host_means_the_root_that_a_container_sees(write, tmp_path):
    write("proc/self/cgroup", "0::/system.slice/docker-1.scope\n")
    write("sys/fs/cgroup/cpu.max", "100000 100000\n")
    assert cores(tmp_path) == 1


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("0::/box", "box/memory.max"),
        ("4:memory:/box", "memory/box/memory.limit_in_bytes"),
    ],
)
def test_the_memory_is_that_of_the_machine_or_what_its_groups_allow(
    write, tmp_path, line, file
):
    machine = memory(tmp_path)
    assert machine > 2**26
    write("proc/self/cgroup", f"{line}\n")
    for limit, expected in ("max", machine), (f"{2**26}", 2**26), (f"{2**62}", machine):
        write(f"sys/fs/cgroup/{file}", f"{limit}\n")
        assert memory(tmp_path) == expected
