"""The cache of compiled programs, across processes."""

import hashlib
import subprocess
import sys
from pathlib import Path

import launching
import pytest

from launch import programs

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


@pytest.mark.parametrize("damage", ["flipped", "swapped", "unknown"])
def test_no_program_is_used_that_is_not_as_it_was_written(run, tmp_path, damage):
    """jax would notice the flipped bit, unless zstandard is installed, but never mend
    it; a whole program in the place of another it would run."""
    run()
    sums = tmp_path / "xla" / "SHA256SUMS"
    whole = {file: file.read_bytes() for file in (tmp_path / "xla").glob("*-cache")}
    listed = {line[66:]: line[:64] for line in sums.read_text().splitlines()}
    assert listed == {
        file.name: hashlib.sha256(content).hexdigest()
        for file, content in whole.items()
    }
    (one, content), (_, other), *_ = whole.items()
    if damage == "unknown":
        sums.unlink()
    elif damage == "swapped":
        one.write_bytes(other)
    else:
        one.write_bytes(content[:-99] + bytes([content[-99] ^ 8]) + content[-98:])
    damaged = one.read_bytes()
    assert MISS in run()
    assert damage == "unknown" or one.read_bytes() != damaged
    assert MISS not in run()


def test_what_cannot_be_removed_is_not_used(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "jit_f-1-cache").write_bytes(b"of unknown origin")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        programs.guard(tmp_path)


def test_a_folder_that_cannot_be_is_done_without(run, tmp_path):
    (tmp_path / "xla").touch()
    assert "Error" not in run()
