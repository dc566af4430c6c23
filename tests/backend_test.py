"""The cache of compiled programs, across processes."""

import subprocess
import sys

import launching
import pytest

MISS = "PERSISTENT COMPILATION CACHE MISS"
PROGRAM = """
import sys
from pathlib import Path
from launch import backend
backend.prepare(1, Path(sys.argv[1]))
import jax
print(jax.jit(lambda x: (x @ x).sum())(jax.numpy.arange(9.0).reshape(3, 3)))
"""


@pytest.fixture
def run(tmp_path):
    """Runs a small program; returns what it says of programs that it does not find."""

    def run():
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "xla")],
            cwd=launching.ROOT,
            env={**launching.environment(), "JAX_EXPLAIN_CACHE_MISSES": "true"},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (0, "486.0\n"), done.stderr
        return done.stderr

    return run


def test_a_program_is_compiled_once(run):
    assert MISS in run()
    assert MISS not in run()


def test_a_damaged_cache_costs_no_more_than_time(run, tmp_path):
    run()
    kept = list((tmp_path / "xla").glob("*-cache"))
    assert len(kept) > 1
    for n, file in enumerate(kept):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if n % 2 else b"")
    assert "Error" not in run()


def test_a_folder_that_cannot_be_is_done_without(run, tmp_path):
    (tmp_path / "xla").touch()
    assert "Error" not in run()
