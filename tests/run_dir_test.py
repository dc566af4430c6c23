import json
import subprocess
from importlib import metadata
from pathlib import Path

import jax
import pytest

import vladser
from launch.experiment import run_dir
from vladser.errors import InputError


def _git(folder, *argv):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """vladser as if its sources were in a folder of the test's own."""
    file = tmp_path / "sources" / "vladser" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text("1")
    monkeypatch.setattr(vladser, "__file__", str(file))
    return tmp_path / "sources"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "run"):
        with (
            pytest.raises(InputError, match=f"{folder} cannot be made: "),
            run_dir.locked(folder),
        ):
            pass


def test_files_are_utf_8_with_the_users_permissions(tmp_path):
    (tmp_path / "plain").touch()
    run_dir.write_json(tmp_path / "a.json", {"speaker": "Jürgen 王"})
    run_dir.write_csv(tmp_path / "a.csv", ["é", "b"], [["1,5", 'say "x"']])
    assert "Jürgen 王".encode() in (tmp_path / "a.json").read_bytes()
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"speaker": "Jürgen 王"}
    assert (tmp_path / "a.csv").read_bytes() == 'é,b\n"1,5","say ""x"""\n'.encode()
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("before", [None, "old"])
def test_a_writer_that_dies_leaves_the_folder_as_it_was(tmp_path, before):
    file = tmp_path / "predictions.csv"
    if before:
        file.write_text(before)

    def rows():
        yield from [["1"]] * 100_000
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_dir.write_csv(file, ["a"], rows())
    assert [path.read_text() for path in tmp_path.iterdir()] == [before][: bool(before)]


def test_the_environment_names_versions_host_and_devices():
    environment = run_dir.environment()
    assert environment["vladser"] == vladser.__version__
    for name, version in environment["packages"].items():
        assert version == metadata.version(name)
    assert len(environment["devices"]) == jax.device_count()
    assert environment["host"]["name"] and environment["host"]["system"]
    assert json.loads(json.dumps(environment)) == environment


def test_the_revision_is_the_commit_with_a_plus_where_files_differ(
    sources, monkeypatch
):
    for folder in sources.parent, sources:  # a repository around installed sources
        assert run_dir.environment()["revision"] is None
        _git(folder, "init")
        _git(folder, "add", ".")
        _git(folder, "commit", "-m", "a")
    commit = _git(sources, "rev-parse", "HEAD")
    assert run_dir.environment()["revision"] == commit
    Path(vladser.__file__).write_text("2")
    assert run_dir.environment()["revision"] == f"{commit}+"
    monkeypatch.setenv("PATH", "")  # no git
    assert run_dir.environment()["revision"] is None
