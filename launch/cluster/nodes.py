"""The nodes of a cluster that can work: with devices, and our versions of all code."""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from launch.output import terminal
from launch.output.provenance import PACKAGES
from vladser.errors import InputError, VladserError
from vladser.text import few

_POLL = 1.0  # seconds
_ANSWER = 30.0  # seconds for a node to tell its versions
_SILENCE = 40.0  # seconds without the head: after 60, Ray itself ends this process


class ClusterError(VladserError):
    """The cluster is gone, or has nobody who can work."""


class Node(NamedTuple):
    """A machine of the cluster."""

    id: str
    host: str
    resources: dict[str, float]  # all that Ray has there

    @property
    def cores(self) -> int:
        """The cores that Ray has there."""
        return max(1, int(self.resources.get("CPU", 0)))

    def where(self) -> dict[str, Any]:
        """Returns Ray's options for a task that is done there."""
        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(self.id, False)}

    def whole(self) -> dict[str, Any]:
        """Returns Ray's options for an actor that has all of the node."""
        cpus, gpus, tpus = (self.resources.get(x, 0) for x in ("CPU", "GPU", "TPU"))
        has = {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "resources": {"TPU": tpus} if tpus else {},
        }
        return has | self.where()


class Nodes:
    """Watches the nodes come and go."""

    def __init__(self) -> None:
        """Raises InputError where a node has other versions than this machine."""
        self._mine = _teller()()
        self._good: dict[str, Node] = {}
        self._refused: set[str] = set()
        self._seen = 0.0
        for reason in self._look():
            raise InputError(reason)
        threading.Thread(target=self._watch, daemon=True).start()

    def here(self) -> list[Node]:
        """Returns those that can work; raises ClusterError where the head is gone."""
        if time.monotonic() - self._seen > _SILENCE:
            raise ClusterError(
                "the head of the cluster does not answer: what has been trained is "
                "kept, and the same command goes on"
            )
        return [*self._good.values()]

    def forget(self, node: Node) -> None:
        """Asks a node again, if it is there at all, before it is used."""
        self._good.pop(node.id, None)

    def _watch(self) -> None:
        while ray.is_initialized():
            time.sleep(_POLL)
            try:
                for reason in self._look():
                    terminal.say(f"not used: {reason}")
            except Exception:  # of a cluster that is gone: see `here`
                continue

    def _look(self) -> list[str]:
        """Brings the good nodes up to date; returns why new ones are refused."""
        alive = {
            of["NodeID"]: Node(of["NodeID"], of["NodeManagerHostname"], of["Resources"])
            for of in ray.nodes()
            if of["Alive"] and {"CPU", "GPU", "TPU"} & {*of["Resources"]}
        }
        self._seen, refused = time.monotonic(), []
        for id in self._good.keys() - alive.keys():
            self._good.pop(id, None)
        asked = {
            ray.remote(num_cpus=0, **node.where())(_teller()).remote(): node
            for id, node in alive.items()
            if id not in self._good and id not in self._refused
        }
        options = {"num_returns": len(asked), "timeout": _ANSWER}
        answered, _ = ray.wait([*asked], **options) if asked else ([], [])
        for answer in answered:  # others, and those that fail, are asked again
            node = asked[answer]
            try:
                theirs = ray.get(answer)
            except RayError:
                continue
            differ = few(
                f"{name} {theirs[name]} instead of {mine}"
                for name, mine in self._mine.items()
                if theirs[name] != mine
            )
            if differ:
                self._refused.add(node.id)
                refused.append(f"{node.host} has {differ}: install the same")
            else:
                self._good[node.id] = node
        return refused


def _teller() -> Callable[[], dict[str, str]]:
    """Returns a function that tells versions. It is nested, so that Ray sends its code:
    the node may have none of ours."""
    packages = PACKAGES

    def tell():
        import hashlib
        import platform
        from importlib import metadata, util
        from pathlib import Path

        found = {"python": platform.python_version()}
        for name in ("vladser", "launch"):  # as they are, whatever they call themselves
            digest, spec = hashlib.sha256(), util.find_spec(name)
            folder, *_ = (spec and spec.submodule_search_locations) or [""]
            for file in sorted(Path(folder).rglob("*.py")) if folder else ():
                digest.update(file.read_bytes())
            found[name] = digest.hexdigest()[:8] if folder else "nothing"
        for name in packages:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                found[name] = "nothing"
        return found

    return tell
