"""The cache of compiled programs, across processes."""

import subprocess
import sys
from itertools import cycle

import launching
import pytest

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
    for name in "COMPILATION_CACHE_DIR", "PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS":
        environment.pop(f"JAX_{name}", None)  # of the tests
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=launching.ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "486.0\n"), done.stderr
    return done.stderr


@pytest.mark.slow
def test_a_program_is_compiled_once_and_a_damaged_one_again(tmp_path):
    folder = tmp_path / "xla"
    assert MISS in run(folder)
    assert MISS not in run(folder)
    for file, keep in zip(folder.glob("*-cache"), cycle([0, 99, -1])):
        file.write_bytes(file.read_bytes()[:keep])
    said = run(folder)
    assert MISS in said and "Error" not in said


@pytest.mark.slow
def test_a_folder_that_cannot_be_used_is_done_without(tmp_path):
    (tmp_path / "xla").touch()
    assert "Error" not in run(tmp_path / "xla")
