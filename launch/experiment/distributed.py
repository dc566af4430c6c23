"""Several processes, often on several hosts, that share one experiment.

They exchange a few messages through jax's coordination service, which process 0 runs,
and nothing between devices: hosts may differ in their devices, and in the time they
take. A process that fails tells the others, who then end too. Where one dies without a
word, the service misses its heartbeat and jax aborts the others, within two minutes.
"""

import json
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax

from launch.command_line import stopping
from vladser.errors import InputError, VladserError
from vladser.text import few

PATIENCE = 300  # seconds to wait for processes that do not start; jax's own default
_POLL = 0.1  # seconds


class PeerError(VladserError):
    """Another process failed."""


class Processes:
    """The processes of an experiment, as seen by one of them."""

    def __init__(self, client: Any = None, process: int = 0, count: int = 1):
        self.process = process
        self.count = count
        self._client = client

    def check(self) -> None:
        """Raises PeerError where another process has failed."""
        for key, reason in self._get("failed"):
            raise PeerError(f"process {key} failed: {reason}")

    def exchange(self, name: str, text: str) -> list[str]:
        """Waits for all processes; returns their texts, process by process. A name is
        used once. Raises PeerError where another process has failed."""
        if self.count == 1:
            return [text]
        self._client.key_value_set(f"{name}/{self.process}", text)
        while len(found := dict(self._get(name))) < self.count:
            self.check()
            time.sleep(_POLL)
        return [found[process] for process in range(self.count)]

    def agree(self, name: str, lines: Sequence[str]) -> None:
        """Raises InputError, in all, where a process has other lines than process 0."""
        first, *others = map(json.loads, self.exchange(name, json.dumps(lines)))
        for process, other in enumerate(others, 1):
            here = few(line for line in first if line not in other)
            there = few(line for line in other if line not in first)
            if other != first:
                raise InputError(
                    f"process {process} has {there or 'nothing else'} where process 0 "
                    f"has {here or 'nothing else'}: expected the same, in one order"
                )

    def send(self, payloads: Iterable[bytes]) -> None:
        """Leaves payloads for process 0; call it once."""
        count = 0
        for count, payload in enumerate(payloads, 1):
            key = f"payload/{self.process}/{count}"
            self._client.key_value_set_bytes(key, payload)
        self.exchange("sent", str(count))

    def receive(self) -> Iterator[bytes]:
        """Yields, in process 0, what the others send."""
        for process, count in enumerate(self.exchange("sent", "0")):
            for n in range(1, int(count) + 1):
                key = f"payload/{process}/{n}"
                yield self._client.blocking_key_value_get_bytes(key, 1000 * PATIENCE)

    def fail(self, error: BaseException) -> None:
        """Tells the others that this process ends."""
        if self.count > 1 and not isinstance(error, PeerError):
            reason = str(error) if isinstance(error, VladserError) else repr(error)
            key = f"failed/{self.process}"
            self._client.key_value_set(key, reason, allow_overwrite=True)

    def _get(self, name: str) -> list[tuple[int, str]]:
        """Returns what processes have set under the name."""
        if self.count == 1:
            return []
        found = self._client.key_value_dir_get(f"{name}/")
        return [(int(key.rpartition("/")[2]), value) for key, value in found]


@contextmanager
def join(
    coordinator: str | None, processes: int | None, process: int | None
) -> Iterator[Processes]:
    """Joins the processes that share what is done in its body; all leave it together.

    Args:
      coordinator: "host:port" of process 0; "auto" for jax to find all three out from
        what started the processes; None for one process alone.
      processes, process: how many there are, and which one this is, from 0.

    Raises:
      InputError: the processes cannot be found.
      PeerError: another process has failed.
    """
    if coordinator is None:
        yield Processes()
        return
    together = _connect(coordinator, processes, process)

    def take_leave(error: BaseException) -> None:
        together.fail(error)
        jax.distributed.shutdown()  # which the others wait for when they end

    stopping.before_end(take_leave)
    try:
        yield together
        together.exchange("done", "")
    except BaseException as error:
        together.fail(error)
        raise


def _connect(coordinator: str, processes: int | None, process: int | None) -> Processes:
    # It would keep SIGTERM from ending the process.
    jax.config.update("jax_enable_preemption_service", False)
    given: dict[str, Any] = {}
    if coordinator != "auto":
        _reach(coordinator, process)
        given = {
            "coordinator_address": coordinator,
            "num_processes": processes,
            "process_id": process,
            "cluster_detection_method": "deactivate",
        }
    try:
        jax.distributed.initialize(**given, initialization_timeout=PATIENCE)
    except ValueError:  # from auto alone
        raise InputError(
            "--coordinator=auto: jax finds no job of Slurm, Open MPI, Kubernetes or "
            "Cloud TPU here; name HOST:PORT, --num_processes and --process_id"
        ) from None
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"--coordinator={coordinator}: {reason}") from None
    # The one way to its messages; jax.experimental.multihost_utils goes by the devices,
    # of which it wants as many in each process.
    from jax._src.distributed import global_state

    return Processes(global_state.client, jax.process_index(), jax.process_count())


def _reach(coordinator: str, process: int | None) -> None:
    """Raises InputError where jax would crash: process 0 has no such port, or nobody
    answers there."""
    host, _, port = coordinator.rpartition(":")
    if process == 0:
        try:
            socket.create_server(("", int(port))).close()
        except OSError as error:
            raise InputError(
                f"--coordinator={coordinator}: port {port} of this host is not free: "
                f"{error.strerror}"
            ) from None
        return
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                raise InputError(
                    f"--coordinator={coordinator}: process 0 does not answer: {error}"
                ) from None
        time.sleep(_POLL)
