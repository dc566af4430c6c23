"""The cache of compiled programs, across processes."""

import hashlib
import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from unittest import mock

import jax
import launching
import pytest

from launch.command_line import backend

MISS = "PERSISTENT COMPILATION CACHE MISS"
PROGRAM = """
import sys
from pathlib import Path
from launch.command_line import backend
backend.prepare(1, Path(sys.argv[1]))
import jax
print(jax.jit(lambda x: (x @ x).sum())(jax.numpy.arange(9.0).reshape(3, 3)))
"""


def run(folder):
    """Runs a small program; returns what it says of programs that it does not find."""
    environment = launching.environment() | {"JAX_EXPLAIN_CACHE_MISSES": "true"}
    for name in (
        "JAX_COMPILATION_CACHE_DIR",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
    ):
        environment.pop(name, None)  # of the tests
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=launching.ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "486.0\n"), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Where the first process keeps its programs, and a copy of them."""
    folder = tmp_path_factory.mktemp("compiled")
    assert MISS in run(folder / "xla")
    return folder / "xla", shutil.copytree(folder / "xla", folder / "copy")


@pytest.fixture
def kept(compiled):
    """What the first process keeps, in the one folder where jax finds it again."""
    folder, copy = compiled
    shutil.rmtree(folder)
    return shutil.copytree(copy, folder)


def guard(folder):
    """As in another process, but that this one goes on as it was."""
    with mock.patch.object(jax.monitoring, "register_event_duration_secs_listener"):
        backend.guard(folder)


@pytest.mark.slow
def test_a_program_is_compiled_once_and_its_digest_kept(kept):
    assert _digests(kept) == {
        line[66:]: line[:64] for line in (kept / "SHA256SUMS").read_text().splitlines()
    }
    before = _digests(kept)
    assert len(before) > 1
    guard(kept)
    assert _digests(kept) == before
    assert MISS not in run(kept)


def _digests(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.glob("*-cache")
    }


DAMAGE = {
    "mixed": lambda content, other: content[:-99] + other[-99:],
    "cut": lambda content, other: content[: len(content) // 2],
    "emptied": lambda content, other: b"",
    "swapped": lambda content, other: other,  # jax would run it
}


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGE)
def test_no_program_is_used_that_is_not_as_it_was_written(kept, how):
    """jax would notice some of it, unless zstandard is installed, but never mend it."""
    one, other, *_ = sorted(kept.glob("*-cache"))
    whole = _digests(kept)
    one.write_bytes(DAMAGE[how](one.read_bytes(), other.read_bytes()))
    guard(kept)
    assert whole.pop(one.name) and _digests(kept) == whole


@pytest.mark.slow
def test_no_program_is_used_that_is_not_known(kept):
    (kept / "SHA256SUMS").unlink()
    guard(kept)
    assert not _digests(kept)


@pytest.mark.slow
def test_a_damaged_cache_costs_no_more_than_time(kept):
    whole = _digests(kept)
    for file, how in zip(sorted(kept.glob("*-cache")), cycle(DAMAGE.values())):
        file.write_bytes(how(file.read_bytes(), bytes(99)))
    said = run(kept)
    assert MISS in said and "Error" not in said
    assert _digests(kept).keys() == whole.keys()
    guard(kept)
    assert _digests(kept).keys() == whole.keys()  # they are whole


def test_what_cannot_be_removed_is_not_used(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "jit_f-1-cache").write_bytes(b"of unknown origin")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        backend.guard(tmp_path)


@pytest.mark.slow
def test_a_folder_that_cannot_be_is_done_without(tmp_path):
    (tmp_path / "xla").touch()
    assert "Error" not in run(tmp_path / "xla")
