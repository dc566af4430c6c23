"""Joins a Ray cluster, or starts one on this machine."""

import os
import secrets
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any

from launch.command_line.flags import Settings
from launch.experiment import designing
from launch.output import terminal
from vladser import libraries
from vladser.errors import InputError
from vladser.machine import cores

if TYPE_CHECKING:
    from launch.cluster.crew import Crew

_ENVIRONMENT = {
    "RAY_ENABLE_AUTO_CONNECT": "0",  # anew, when it is shut down
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what Ray warns of otherwise
    "RAY_NUM_REDIS_GET_RETRIES": "2",  # to reach the head, each of half a minute
}
_PATIENCE = 60.0  # seconds for the head to start


@contextmanager
def joined(settings: Settings) -> Iterator["Crew | None"]:
    """Joins the cluster that --ray names, for its body; None without the flag.

    Raises:
      InputError: there is no such cluster, or it has other versions than this machine.
    """
    if settings.ray is None:
        yield None
        return
    os.environ.update(_ENVIRONMENT)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if settings.ray == "local":
        # For those who know a token alone, which need not be kept.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        options |= {"num_cpus": cores(), "include_dashboard": False}
    ray = libraries.load("ray", "'vladser[cluster]'")
    terminated = signal.getsignal(signal.SIGTERM)  # which Ray would handle otherwise
    if own := _own_code(settings):
        options["runtime_env"] = {"py_modules": own}
    address = _answering(settings.ray)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fork, which executes a program
            ray.init(address, **options)
    except Exception as error:  # of many kinds
        reason = " ".join(str(error).split())
        said = f"--ray={settings.ray}: {reason:.400}"
        if isinstance(error, ConnectionError) and ":" in address:  # which does answer
            said += " (are RAY_AUTH_MODE, the token and the version of Ray the same?)"
        raise InputError(said) from error
    signal.signal(signal.SIGTERM, terminated)
    from launch.cluster.crew import Crew

    with redirect_stdout(_OfMainThread(sys.stdout)):
        try:
            yield Crew(settings)
        finally:
            ray.shutdown()


def _answering(address: str) -> str:
    """Waits for HOST:PORT, about which Ray would try for many minutes; returns it with
    the host's number, since Ray does not find all names that the system does."""
    host, _, port = address.rpartition(":")
    if not host:  # auto, local
        return address
    end, told = time.monotonic() + _PATIENCE, False
    while True:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), 10) as found:
                number = found.getpeername()[0]
            return f"[{number}]:{port}" if ":" in number else f"{number}:{port}"
        except OSError as error:
            if time.monotonic() > end or not isinstance(error, ConnectionError):
                reason = error.strerror or error
                raise InputError(f"--ray={address}: {reason}") from error
        if not told:
            told = True
            terminal.say(f"waiting for the head of the cluster at {address} ...")
        time.sleep(1)


def _own_code(settings: Settings) -> list[str]:
    """Returns the files and folders of the modules and packages that parts of the
    user's own are in, which the nodes need not have."""
    found = []
    for _, part in designing.own(settings):
        spec = find_spec(part.name.partition(".")[0])
        assert spec
        folders = spec.submodule_search_locations
        found.append(folders[0] if folders else spec.origin)
    return [*dict.fromkeys(map(str, found))]


class _OfMainThread:
    """A stream, without what other threads write: Ray's tell each node's last words."""

    def __init__(self, stream: IO[str]):
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread() is threading.main_thread():
            return self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
