"""Several processes on one experiment, over loopback."""

import contextlib
import json
import signal
import socket
import time

import launching
import pytest
from launching import SMALL

from launch import cluster
from vladser.errors import InputError

FLAGS = (*SMALL, "--aggregator=mean", "--seeds=1", "--epochs=1")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Its flags; 4 speakers, so 4 trials a seed."""
    return launching.corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def alone(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "run"
    done = launching.program(*corpus, *FLAGS, f"--run_dir={folder}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def start():
    """Starts processes of one experiment; ends at last what they leave running."""
    with contextlib.ExitStack() as started:

        def start(*of_each, **environment):
            with socket.create_server(("127.0.0.1", 0)) as server:
                address = f"127.0.0.1:{server.getsockname()[1]}"
            processes = []
            for process, argv in enumerate(of_each):
                together = (
                    f"--coordinator={address}",
                    f"--num_processes={len(of_each)}",
                    f"--process_id={process}",
                )
                running = launching.start(*argv, *together, **environment)
                started.callback(running.kill)
                processes.append(running)
            return processes

        yield start


def _ends(processes, seconds=60):
    """Status, standard output and standard error of each."""
    done = [process.communicate(timeout=seconds) for process in processes]
    return [(p.returncode, *said) for p, said in zip(processes, done, strict=True)]


def _same_results(one, other):
    for name in ("flags.txt", "dataset.json", "metrics.jsonl", "predictions.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    found = [json.loads((run / "summary.json").read_text()) for run in (one, other)]
    assert all(summary.pop("training") for summary in found)
    assert found[0] == found[1]


def test_processes_give_what_one_gives(corpus, alone, start, tmp_path):
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path / 'run'}")
    done = _ends(start(argv, argv, argv))  # of 2, 1 and 1 trials
    assert [status for status, *_ in done] == [0, 0, 0], done
    assert done[0][1].startswith("mean, unigram 0.2, cells 4, 1 seed\n")
    for _, out, err in done[1:]:
        assert not out and err.count("\n") == 1 and "32 utterances with" in err
    _same_results(tmp_path / "run", alone)


def test_eight_devices_give_what_two_give(corpus, alone, tmp_path):
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path / 'run'}")
    done = launching.program(*argv, JAX_NUM_CPU_DEVICES="8")
    assert done.returncode == 0, done.stderr
    devices = json.loads((tmp_path / "run" / "environment.json").read_text())["devices"]
    assert len(devices) == 8
    _same_results(tmp_path / "run", alone)


def test_other_settings_end_all_before_any_work(corpus, start, tmp_path):
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path / 'run'}")
    done = _ends(start(argv, (*argv, "--alpha=0.3")))
    said = "error: process 1 has --alpha=0.3 where process 0 has --alpha=0.2\n"
    assert done == [(1, "", said)] * 2
    assert not any(tmp_path.iterdir())


def test_other_data_end_all_before_the_training(corpus, start, tmp_path):
    file = launching.write_corpus(tmp_path / "other")
    launching.damage(file)
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path / 'run'}", "--on_bad_audio=skip")
    done = _ends(start(argv, (*argv, f"--data_dir={file}")))
    for status, out, err in done:
        *_, last = err.splitlines()
        assert (status, out) == (1, "") and last.startswith(
            "error: process 1 has 29 utt"
        )
        assert "where process 0 has 32 utterances" in last and "Traceback" not in err
    assert not (tmp_path / "run").exists()


def test_an_error_in_one_process_ends_all_with_its_line(corpus, start, tmp_path):
    (tmp_path / "results.txt").touch()
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path}")
    first, other = _ends(start(argv, argv))
    said = f"--run_dir={tmp_path} is not empty (results.txt): name a new folder\n"
    assert first == (2, "", f"error: {said}")
    assert other[0] == 1 and other[2].endswith(f"error: process 0 failed: {said}")


@pytest.mark.parametrize(("stopped", "by"), [(1, signal.SIGINT), (0, signal.SIGKILL)])
def test_a_process_that_is_stopped_leaves_none_running(
    corpus, start, tmp_path, stopped, by
):
    argv = (*corpus, *FLAGS, f"--run_dir={tmp_path / 'run'}", "--epochs=9999")
    processes, log = start(argv, argv), tmp_path / "run" / "metrics.jsonl"
    while not (log.exists() and log.stat().st_size):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    processes[stopped].send_signal(by)
    done = _ends(processes, seconds=20)
    assert all(status for status, *_ in done)
    if by == signal.SIGINT:
        assert done[stopped][0] == 130
        said = f"error: process {stopped} failed: Stopped('SIGINT')\n"
        assert done[1 - stopped][0] == 1 and done[1 - stopped][2].endswith(said)


def test_no_cluster_is_no_cluster(corpus, tmp_path):
    done = launching.program(*corpus, f"--run_dir={tmp_path}", "--coordinator=auto")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "error: --coordinator=auto: jax finds no job of Slurm"
    )


def test_a_coordinator_that_cannot_be_is_an_error_in_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    with socket.create_server(("", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(InputError, match="is not free"),
            cluster.join(address, 2, 0),
        ):
            pass
    with pytest.raises(InputError, match="not answer"), cluster.join(address, 2, 1):
        pass
