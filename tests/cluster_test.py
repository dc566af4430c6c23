"""Experiments on the nodes of a Ray cluster, all of them on this machine."""

import json
import socket
import time

import launching
import pytest

from launch.cluster import joining

pytest.importorskip("ray")

SAME = "dataset.json", "metrics.jsonl", "predictions.csv", "summary.json"


@pytest.fixture
def cluster(monkeypatch):
    """A cluster whose head does no work, and two nodes with a core each."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, **STORE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        add(cluster), add(cluster)
        yield cluster
    finally:
        cluster.shutdown()


STORE = {"object_store_memory": 100_000_000}


def add(cluster, **variables):
    return cluster.add_node(num_cpus=1, env_vars=variables, **STORE)


def _begun(run, process, epochs=3):
    """Waits until a run has trained some epochs."""
    log = run / "metrics.jsonl"
    while not log.exists() or log.read_text().count("\n") < epochs:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def _machines(run):
    return json.loads((run / "summary.json").read_text())["training"]["machines"]


@pytest.mark.slow
def test_nodes_give_what_one_process_gives(cluster, undisturbed, tmp_path):
    """With features that the nodes extract, too."""
    run = tmp_path / "run"
    own = f"--run_dir={run}", f"--cache_dir={tmp_path / 'cache'}"
    ray = f"--ray={cluster.address}", "--verbose"
    done = launching.program(*undisturbed.flags, *own, *ray)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("condition ")
    launching.same(run, undisturbed.run, SAME)
    assert sum(of["trainings"] for of in _machines(run)) == 8


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Connection refused"), ("nowhere.invalid", "")],
)
def test_a_head_that_does_not_answer_is_waited_for_and_named(
    host, reason, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(joining, "_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{host}:{server.getsockname()[1]}"
    flags = "--corpus=demo", f"--ray={address}", f"--run_dir={tmp_path / 'run'}"
    assert launching.call(*flags) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(f"error: --ray={address}: {reason}")
    assert len(said) == (2 if reason else 1)
