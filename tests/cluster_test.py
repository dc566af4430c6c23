"""Experiments on the nodes of a Ray cluster, all of them on this machine."""

import json
import signal
import socket
import time
from contextlib import contextmanager

import launching
import pytest

from launch.cluster import joining
from launch.command_line import cli
from launch.command_line.flags import Settings
from vladser.errors import InputError

pytest.importorskip("ray")
pytestmark = pytest.mark.fault("clusters")

SAME = "dataset.json", "metrics.jsonl", "predictions.csv", "summary.json"


LIMIT = 300  # seconds: a process that hangs takes forever
STORE = {"object_store_memory": 100_000_000}


@contextmanager
def _cluster():
    """A cluster whose head does no work, and two nodes with a core each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, **STORE}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            add(cluster), add(cluster)
            yield cluster
        finally:
            cluster.shutdown()


@pytest.fixture(scope="module")
def steady():
    """A cluster that stays as it is."""
    with _cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster():
    """A cluster to be broken."""
    with _cluster() as cluster:
        yield cluster


def add(cluster):
    return cluster.add_node(num_cpus=1, **STORE)


def _begun(run, process, epochs=3):
    """Waits until a run has trained some epochs."""
    log, end = run / "metrics.jsonl", time.monotonic() + LIMIT
    while not log.exists() or log.read_text().count("\n") < epochs:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def _machines(run):
    return json.loads((run / "summary.json").read_text())["training"]["machines"]


@pytest.mark.slow
def test_nodes_give_what_one_process_gives(steady, undisturbed, tmp_path):
    """With features that the nodes extract, too."""
    run = tmp_path / "run"
    own = f"--run_dir={run}", f"--cache_dir={tmp_path / 'cache'}"
    ray = f"--ray={steady.address}", "--verbose"
    done = launching.program(*undisturbed.flags, *own, *ray)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("condition ")
    launching.same(run, undisturbed.run, SAME)
    assert sum(of["trainings"] for of in _machines(run)) == 8
    assert ": train 4 of 8\n" in done.stderr and ": extract " in done.stderr


LONGER = "--aggregator=mean", "--cells=4", "--epochs=200", "--seeds=2"
OFTEN = "--checkpoint_minutes=0.01", "--verbose"


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """The run directory of LONGER, by one process."""
    run = tmp_path_factory.mktemp("whole") / "run"
    done = launching.program(*corpus, *LONGER, f"--run_dir={run}")
    assert done.returncode == 0, done.stderr
    return run


@pytest.fixture
def start(cluster, corpus, tmp_path):
    """Starts LONGER on the cluster, and waits until it has trained some epochs."""
    started = []

    def start(*argv, lines=200, **variables):
        ray = f"--ray={cluster.address}", f"--run_dir={tmp_path / 'run'}"
        process = launching.start(*corpus, *LONGER, *OFTEN, *ray, *argv, **variables)
        started.append(process)
        _begun(tmp_path / "run", process, lines)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.mark.long
def test_a_node_that_dies_costs_nothing_but_time(cluster, start, whole, tmp_path):
    process = start()
    *_, last = cluster.worker_nodes
    cluster.remove_node(last, allow_graceful=False)
    add(cluster)
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    assert "the worker is lost: it died" in err and "Raylet" not in err
    launching.same(tmp_path / "run", whole, SAME)


@pytest.mark.long
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_driver_that_is_stopped_goes_on(start, whole, tmp_path, by):
    process = start(lines=500)
    process.send_signal(by)
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == (-9 if by == signal.SIGKILL else 143), err
    begun = [*(tmp_path / "run" / "checkpoints").glob("*.checkpoint")]
    assert len(begun) == 2
    _, err = (again := start()).communicate(timeout=LIMIT)
    assert again.returncode == 0, err
    launching.same(tmp_path / "run", whole, SAME)


@pytest.mark.long
def test_a_head_that_is_gone_is_said_and_what_is_trained_is_kept(
    cluster, start, tmp_path
):
    process = start("--epochs=9999")
    cluster.head_node.kill_gcs_server()
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 1, err
    assert err.splitlines()[-1].startswith("error: the head of the cluster does not")
    assert len([*(tmp_path / "run" / "checkpoints").glob("*.checkpoint")]) == 2


POOLING = """
import sys
import own_helper
from vladser.aggregators.mean import mean

def pool(*, fails=False):
    if fails and sys.argv[0].endswith("default_worker.py"):
        own_helper.fail()
    return mean()
"""


@pytest.mark.long
def test_own_code_reaches_the_nodes_and_its_errors_end_the_run(
    steady, corpus, tmp_path
):
    """In a package that only the driver's path has."""
    package = tmp_path / "code" / "own_package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    helper = "def fail(): raise ZeroDivisionError('here')\n"
    (package / "own_helper.py").write_text(helper)
    own = POOLING.replace("import own_helper", "from own_package import own_helper")
    (package / "own_module.py").write_text(own)

    def run(name, part):
        argv = *corpus, *LONGER, f"--aggregator={part}", "--epochs=1"
        where = f"--run_dir={tmp_path / name}", f"--ray={steady.address}"
        return launching.program(*argv, *where, PYTHONPATH=str(package.parent))

    done = run("good", "own_package.own_module.pool")
    assert done.returncode == 0, done.stderr
    done = run("bad", "own_package.own_module.pool(fails=True)")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    *_, last = done.stderr.splitlines()
    assert last.startswith("error: aggregator own_package.own_module.pool")
    assert last.endswith("own_helper.py:1: ZeroDivisionError: here")


@pytest.mark.slow
def test_a_node_with_other_versions_is_refused(steady, monkeypatch):
    import ray

    from launch.cluster import nodes

    def teller():
        def tell():
            import sys

            on_node = sys.argv[0].endswith("default_worker.py")
            return {"python": "3.11.7", "jax": "nothing" if on_node else "0.10.2"}

        return tell

    monkeypatch.setattr(nodes, "_teller", teller)
    ray.init(steady.address, log_to_driver=False)
    try:
        with pytest.raises(InputError, match="has jax nothing instead"):
            nodes.Nodes()
    finally:
        ray.shutdown()


def test_what_ray_says_of_a_cluster_is_one_line(monkeypatch):
    def refuse(*args, **options):
        raise ConnectionError("Could not find any running Ray instance.\nPlease ...")

    monkeypatch.setattr("ray.init", refuse)
    settings = cli.parse(Settings, ["--corpus=demo", "--ray=auto"])
    said = "^--ray=auto: Could not find any running Ray instance. Please ...$"
    with pytest.raises(InputError, match=said), joining.joined(settings):
        pass


@pytest.mark.slow
def test_without_ray_it_is_said_what_to_install(corpus, tmp_path):
    run = f"--run_dir={tmp_path / 'run'}", "--ray=local"
    absent = launching.without(tmp_path / "absent", "ray")
    done = launching.program(*corpus, *run, **absent)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ray cannot be loaded")
    assert done.stderr.endswith(" 'vladser[cluster]'\n")


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
