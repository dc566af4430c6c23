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

pytestmark = pytest.mark.fault("cache")

MISS = "PERSISTENT COMPILATION CACHE MISS"
PROGRAM = """
import sys
from pathlib import Path
from launch.command_line import backend
backend.prepare(1, Path(sys.argv[1]), deterministic="det" in sys.argv)
import jax
print(jax.jit(lambda x: (x @ x).sum())(jax.numpy.arange(9.0).reshape(3, 3)))
"""


def run(folder, *argv):
    """Runs a small program; returns what it says of programs that it does not find."""
    environment = launching.environment() | {"JAX_EXPLAIN_CACHE_MISSES": "true"}
    for name in "COMPILATION_CACHE_DIR", "PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS":
        environment.pop(f"JAX_{name}", None)  # of the tests
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), *argv],
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


def guarded(folder):
    """The digests of the programs that another process would use."""
    with mock.patch.object(jax.monitoring, "register_event_duration_secs_listener"):
        backend.guard(folder)
    return digests(folder)


def digests(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.glob("*-cache")
    }


@pytest.mark.slow
def test_a_program_is_compiled_once_and_its_digest_kept(kept):
    lines = (kept / "SHA256SUMS").read_text().splitlines()
    whole = {line[66:]: line[:64] for line in lines}
    assert len(whole) > 1 and whole == digests(kept) == guarded(kept)
    assert MISS not in run(kept)


@pytest.mark.slow
def test_deterministic_programs_are_others(kept):
    """On a GPU; jax tells programs apart by XLA's flags."""
    assert MISS in run(kept, "det")
    assert MISS not in run(kept, "det")


DAMAGE = {
    "mixed": lambda content, other: content[:-99] + other[-99:],
    "cut": lambda content, other: content[: len(content) // 2],
    "emptied": lambda content, other: b"",
    "swapped": lambda content, other: other,  # jax would run it
}


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGE)
def test_no_program_is_used_that_is_not_as_it_was_written(kept, how):
    """jax may notice some of it, but never replaces it."""
    one, other, *_ = sorted(kept.glob("*-cache"))
    whole = digests(kept)
    one.write_bytes(DAMAGE[how](one.read_bytes(), other.read_bytes()))
    assert whole.pop(one.name) and guarded(kept) == whole
    (kept / "SHA256SUMS").unlink()
    assert not guarded(kept)  # none is known


@pytest.mark.slow
def test_a_damaged_cache_costs_no_more_than_time(kept):
    whole = digests(kept)
    for file, how in zip(sorted(kept.glob("*-cache")), cycle(DAMAGE.values())):
        file.write_bytes(how(file.read_bytes(), bytes(99)))
    said = run(kept)
    assert MISS in said and "Error" not in said
    assert digests(kept).keys() == guarded(kept).keys() == whole.keys()


@pytest.mark.slow
def test_a_folder_that_cannot_be_used_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "xla").touch()
    assert "Error" not in run(tmp_path / "xla")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "jit_f-1-cache").write_bytes(b"of unknown origin")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):  # `prepare` takes it as no cache
        backend.guard(tmp_path)
