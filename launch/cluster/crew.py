"""The workers of a cluster, one a node, and the jobs that they are given.

Nodes may join, be slow, or die at any time. A job is two thirds of an equal share
of what is left, so that fast nodes are given more, and the last jobs are brief.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from launch.cluster.nodes import ClusterError, Node, Nodes
from launch.cluster.worker import Worker
from launch.command_line import stopping
from launch.command_line.flags import Settings
from launch.output import terminal
from launch.output.provenance import Machine
from vladser.errors import MemoryShort, VladserError

_POLL = 1.0  # seconds
_PATIENCE = 600.0  # seconds without any worker
_FAULTS = 3  # of a node that is not used any more
_worker = ray.remote(max_concurrency=2)(Worker)  # so that it can be stopped
_OF_MACHINES = (RayError, OSError, MemoryError, jax.errors.JaxRuntimeError)


class Jobs(Protocol):
    """Work that can be cut into jobs."""

    def __len__(self) -> int:
        """Returns how many units wait, such as trials."""

    def take(self, most: int, machine: Machine) -> tuple:
        """Returns a job for a machine, of some `most` units: arguments for a Worker."""

    def back(self, job: tuple) -> None:
        """Notes that a job ended before its time: what is left of it waits again."""


@dataclass(eq=False)
class Member:
    """A node's worker."""

    node: Node
    actor: Any
    starting: Any  # Ray's promise of its machine
    machine: Machine | None = None
    job: tuple = ()


class Crew:
    """The workers of the cluster that this process has joined."""

    def __init__(self, settings: Settings):
        """Raises InputError where a node has other versions than this machine."""
        self._settings, self._nodes = settings, Nodes()
        self._members, self._faults = list[Member](), Counter[str]()
        self._last, self._reason = 0.0, ""

    def size(self) -> int:
        """Returns how many there are, those that start among them."""
        return len(self._members)

    def share(self, value: Any) -> list[Any]:
        """Puts a value where all workers can read it; returns what to give them."""
        with _ours():
            return [ray.put(value)]

    def run(
        self, method: str, jobs: Jobs, *options: Any
    ) -> Iterator[tuple[Machine, Any]]:
        """Has the workers do all jobs; each is a call of a Worker's method with the
        options and the job.

        Yields:
          What the calls yield, and on which machine.

        Raises:
          VladserError: as a worker raised it, or ClusterError.
        """
        running, told = dict[Any, Member](), False
        self._last = time.monotonic()
        while True:
            if not stopping.asked():
                self._recruit()
                self._hand_out(method, jobs, options, running)
            elif not told:
                told = True
                for member in running.values():
                    member.actor.stop.remote()
            if not running and (stopping.asked() or not len(jobs)):
                return
            starting = {m.starting: m for m in self._members if not m.machine}
            for source in _ready([*running, *starting]):
                if source in starting:
                    self._welcome(starting[source])
                    continue
                member = running[source]
                assert member.machine
                try:
                    news = ray.get(next(source))
                except StopIteration:
                    del running[source]
                    member.job = ()
                    self._faults[member.node.id] = 0
                except RayError as error:
                    del running[source]
                    self._lose(member, error)
                    jobs.back(member.job)
                else:
                    yield member.machine, news

    def _recruit(self) -> None:
        """Starts a worker on each node that has none."""
        here = self._nodes.here()
        for node in here:
            taken = any(node.id == member.node.id for member in self._members)
            if not taken and self._faults[node.id] < _FAULTS:
                how = node.cores, self._settings.cache_dir, self._settings.deterministic
                actor = _worker.options(**node.whole()).remote(*how)
                self._members.append(Member(node, actor, actor.about.remote()))
        if any(member.machine for member in self._members):
            self._last = time.monotonic()
        elif time.monotonic() - self._last > _PATIENCE:
            raise ClusterError(f"no node has worked for ten minutes{self._reason}")
        if here and all(self._faults[node.id] >= _FAULTS for node in here):
            raise ClusterError(f"no node is left that can work{self._reason}")

    def _hand_out(
        self, method: str, jobs: Jobs, options: tuple, running: dict[Any, Member]
    ) -> None:
        for member in self._members:
            if not len(jobs):
                return
            if member.machine and not member.job:
                units = len(jobs)
                most = 2 * units // (3 * self.size())
                member.job = jobs.take(most, member.machine)
                if self._settings.verbose:
                    taken = f"{units - len(jobs)} of {units}"
                    terminal.say(f"{member.node.host}: {method} {taken}")
                call = getattr(member.actor, method)
                with _ours():
                    running[call.remote(*options, *member.job)] = member

    def _welcome(self, member: Member) -> None:
        try:
            member.machine = ray.get(member.starting)
        except RayError as error:
            self._lose(member, error)

    def _lose(self, member: Member, error: RayError) -> None:
        """Drops a worker that failed; raises what is not its machine's fault."""
        cause = error.cause if isinstance(error, RayTaskError) else error
        node = member.node
        self._nodes.forget(node)  # it may be gone
        self._faults[node.id] += 1
        if isinstance(cause, MemoryShort):
            self._faults[node.id] = _FAULTS
        elif member.machine and isinstance(cause, VladserError):
            raise cause from None
        elif member.machine and not isinstance(cause, _OF_MACHINES):
            raise error
        first, *_ = str(cause).strip().splitlines() or [repr(cause)]
        why = "it died" if isinstance(cause, RayActorError) else first[:300]
        self._reason = f": the last was {node.host}: {why}"
        what = "worker is lost" if member.machine else "worker does not start"
        terminal.say(f"{node.host}: the {what}: {why}")
        self._members.remove(member)
        with suppress(RayError):
            ray.kill(member.actor)


@contextmanager
def _ours() -> Iterator[None]:
    """Raises ClusterError for what Ray cannot do on this machine."""
    try:
        yield
    except (RayError, OSError) as error:
        first, *_ = str(error).strip().splitlines()
        raise ClusterError(
            f"Ray fails on this machine ({first:.300}): what has been trained is kept, "
            "and the same command goes on"
        ) from error


def _ready(sources: list[Any]) -> list[Any]:
    """Returns those sources that have something to tell, after a while."""
    if not sources:
        time.sleep(_POLL)
        return []
    with _ours():
        if not ray.wait(sources, timeout=_POLL)[0]:
            return []
        return ray.wait(sources, num_returns=len(sources), timeout=0)[0]
