"""Several processes on one experiment, over loopback."""

import contextlib
import json
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import killing
import launching
import pytest

from launch.experiment import distributed
from launch.experiment.distributed import PeerError, Processes
from vladser.errors import InputError

SAME = "flags.txt", "dataset.json", "metrics.jsonl", "predictions.csv", "summary.json"
LIMIT = 300  # seconds: a process that hangs takes forever


def free_port():
    """None that the system gives to whoever asks for any."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def start():
    """Starts processes of one experiment; ends at last what they leave running."""
    with contextlib.ExitStack() as started:

        def start(*of_each, **environment):
            address, processes = f"127.0.0.1:{free_port()}", []
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


def _ends(processes, seconds=LIMIT):
    """Status, standard output and standard error of each."""
    done = [process.communicate(timeout=seconds) for process in processes]
    return [(p.returncode, *said) for p, said in zip(processes, done, strict=True)]


class Store:
    """What jax's coordination service keeps for all processes."""

    def __init__(self):
        self._kept, self._lock = {}, threading.Lock()

    def key_value_set(self, key, value, allow_overwrite=False):
        with self._lock:
            assert allow_overwrite or key not in self._kept
            self._kept[key] = value

    key_value_set_bytes = key_value_set

    def key_value_dir_get(self, folder):
        with self._lock:  # in no order that means something
            found = [*self._kept.items()][::-1]
        return [(key, value) for key, value in found if key.startswith(folder)]

    def blocking_key_value_get_bytes(self, key, milliseconds):
        end = time.monotonic() + milliseconds / 1000
        while time.monotonic() < end:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            time.sleep(0.01)
        raise TimeoutError(key)


def in_all(processes, work):
    """What each process, of threads of this one, makes of its cluster."""
    store = Store()
    clusters = [Processes(store, process, processes) for process in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        ends = [pool.submit(work, one) for one in clusters]
        return [end.exception() or end.result() for end in ends]


def test_each_process_gets_the_texts_of_all_in_their_order():
    texts = [str(process) for process in range(11)]  # of which 10 is not behind 1
    found = in_all(11, lambda one: one.exchange("name", texts[one.process]))
    assert found == [texts] * 11


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([["a", "b"], ["a", "b"], ["a", "b"]], None),
        ([["a", "b"], ["a", "b"], ["a", "c"]], "process 2 has c where process 0 has b"),
        ([["a"], ["a", "c"], ["a"]], "process 1 has c where process 0 has nothing"),
        ([["a", "b"], ["a"], ["a", "b"]], "process 1 has nothing else where process 0"),
        ([["a", "b"], ["b", "a"], ["a", "b"]], "process 1 has nothing else where"),
    ],
)
def test_all_are_told_who_differs_and_in_what(lines, said):
    for found in in_all(3, lambda one: one.agree("flags", lines[one.process])):
        if said is None:
            assert found is None
        else:
            assert isinstance(found, InputError) and str(found).startswith(said)


def test_process_0_receives_what_the_others_send_in_its_order():
    sent = [[], [b"a", b"b"], [], [b"c"] * 11 + [b"d"]]

    def work(one):
        return [*one.receive()] if one.process == 0 else one.send(sent[one.process])

    assert in_all(4, work) == [[b"a", b"b", *sent[3]], None, None, None]


def test_who_waits_for_a_process_that_failed_gets_its_reason():
    def work(one):
        if one.process == 1:
            one.fail(InputError("no such folder"))
        else:
            one.exchange("name", "")

    first, _, last = in_all(3, work)
    for found in first, last:
        assert isinstance(found, PeerError)
        assert str(found) == "process 1 failed: no such folder"


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 3])
def test_processes_give_what_one_gives(undisturbed, start, tmp_path, processes):
    argv = (*undisturbed.flags, f"--run_dir={tmp_path / 'run'}")
    done = _ends(start(*[argv] * processes))
    assert [status for status, *_ in done] == [0] * processes, done
    assert done[0][1].startswith("condition ")
    for _, out, err in done[1:]:
        assert not out and err.count("\n") == 1 and "32 utterances with" in err
    launching.same(tmp_path / "run", undisturbed.run, SAME)


@pytest.mark.long
def test_eight_devices_give_what_two_give(undisturbed, tmp_path):
    argv = (*undisturbed.flags, f"--run_dir={tmp_path / 'run'}")
    done = launching.program(*argv, JAX_NUM_CPU_DEVICES="8")
    assert done.returncode == 0, done.stderr
    devices = json.loads((tmp_path / "run" / "environment.json").read_text())["devices"]
    assert len(devices) == 8
    launching.same(tmp_path / "run", undisturbed.run, SAME)


@pytest.mark.long
def test_other_settings_end_all_before_any_work(undisturbed, start, tmp_path):
    argv = (*undisturbed.flags, f"--run_dir={tmp_path / 'run'}")
    done = _ends(start(argv, (*argv, "--cells=3")))
    said = "error: process 1 has --cells=3 where process 0 has --cells=4: expected"
    assert [end[:2] for end in done] == [(1, "")] * 2
    assert all(err.startswith(said) for *_, err in done)
    assert not any(tmp_path.iterdir())


@pytest.mark.long
def test_other_data_end_all_before_the_training(undisturbed, start, tmp_path):
    file = launching.write_corpus(tmp_path / "other")
    launching.damage(file)
    argv = (*undisturbed.flags, f"--run_dir={tmp_path / 'run'}", "--on_bad_audio=skip")
    done = _ends(start(argv, (*argv, f"--data_dir={file}")))
    for status, out, err in done:
        *_, last = err.splitlines()
        assert (status, out) == (1, "") and last.startswith(
            "error: process 1 has 29 utt"
        )
        assert "where process 0 has 32 utterances" in last and "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_an_error_in_one_process_ends_all_with_its_line(corpus, start, tmp_path):
    (tmp_path / "results.txt").touch()
    argv = (*corpus, *killing.SMALL, f"--run_dir={tmp_path}")
    first, other = _ends(start(argv, argv))
    said = f"--run_dir={tmp_path} is not empty (results.txt): name a new folder\n"
    assert first == (2, "", f"error: {said}")
    assert other[0] == 1 and other[2].endswith(f"error: process 0 failed: {said}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stopped", "by"),
    [
        (1, signal.SIGINT),
        pytest.param(0, signal.SIGINT, marks=pytest.mark.long),
        pytest.param(0, signal.SIGKILL, marks=pytest.mark.long),
    ],
)
def test_a_process_that_is_stopped_leaves_none_running(
    undisturbed, start, tmp_path, stopped, by
):
    argv = (*undisturbed.flags, f"--run_dir={tmp_path / 'run'}", "--epochs=9999")
    processes, log = start(argv, argv), tmp_path / "run" / "metrics.jsonl"
    while not (log.exists() and log.stat().st_size):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    processes[stopped].send_signal(by)
    done = _ends(processes)
    assert all(status for status, *_ in done)
    if by == signal.SIGINT:
        assert done[stopped][0] == 130
        said = f"error: process {stopped} failed: Stopped('SIGINT')\n"
        assert done[1 - stopped][0] == 1 and done[1 - stopped][2].endswith(said)


@pytest.mark.slow
def test_no_cluster_is_no_cluster(corpus, tmp_path):
    done = launching.program(*corpus, f"--run_dir={tmp_path}", "--coordinator=auto")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "error: --coordinator=auto: jax finds no job of Slurm"
    )


def test_a_coordinator_that_cannot_be_is_an_error_in_one_line(monkeypatch):
    monkeypatch.setattr(distributed, "PATIENCE", 0.2)
    address = f"127.0.0.1:{(port := free_port())}"
    with (
        socket.create_server(("", port)),
        pytest.raises(InputError, match="is not free"),
        distributed.join(address, 2, 0),
    ):
        pass
    with pytest.raises(InputError, match="not answer"), distributed.join(address, 2, 1):
        pass
