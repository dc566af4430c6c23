"""What a run directory holds: whole files, their digests, the environment."""

import json
import subprocess
from importlib import metadata

import fake_run
import jax
import pytest

import vladser
from launch.experiment import run_dir
from launch.output import provenance
from launch.reporting import runs
from vladser import files
from vladser.errors import InputError


def _git(folder, *argv):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_files_are_utf_8_with_the_users_permissions(tmp_path):
    (tmp_path / "plain").touch()
    files.write_json(tmp_path / "a.json", {"speaker": "Jürgen 王"})
    files.write_csv(tmp_path / "a.csv", ["é", "b"], [["1,5", 'say "x"']])
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
        files.write_csv(file, ["a"], rows())
    assert [path.read_text() for path in tmp_path.iterdir()] == [before][: bool(before)]


def test_the_environment_names_versions_host_and_devices():
    environment = provenance.environment()
    assert environment["vladser"] == vladser.__version__
    for name, version in environment["packages"].items():
        assert version == metadata.version(name)
    assert len(environment["devices"]) == jax.device_count()
    assert environment["host"]["name"] and environment["host"]["system"]
    assert json.loads(json.dumps(environment)) == environment


def test_the_revision_is_the_commit_with_a_plus_where_files_differ(
    tmp_path, monkeypatch
):
    sources = tmp_path / "sources"
    file = sources / "vladser" / "__init__.py"
    file.parent.mkdir(parents=True)
    file.write_text("1")
    monkeypatch.setattr(vladser, "__file__", str(file))
    for folder in sources.parent, sources:  # a repository around installed sources
        assert provenance.environment()["revision"] is None
        _git(folder, "init")
        _git(folder, "add", ".")
        _git(folder, "commit", "-m", "a")
    commit = _git(sources, "rev-parse", "HEAD")
    assert provenance.environment()["revision"] == commit
    file.write_text("2")
    assert provenance.environment()["revision"] == f"{commit}+"
    monkeypatch.setenv("PATH", "")  # no git
    assert provenance.environment()["revision"] is None


@pytest.fixture
def folder(tmp_path):
    conditions = [("netvlad(clusters=2)", "none", 0.0)]
    fake_run.write(tmp_path, conditions, speakers=("a", "b"), seeds=(0,))
    (tmp_path / "predictions.csv").write_text("the report needs none of it")
    files.write_sums(tmp_path, run_dir.RESULTS)
    return tmp_path


def damages(content):
    """Cut short, grown, and with a flipped bit at the start, inside and at the end."""
    yield from (content[: len(content) // 2], content[:-1], content + b"\n")
    for place in 0, len(content) // 2, len(content) - 1:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        yield bytes(damaged)


def refusal(folder):
    with pytest.raises(InputError) as caught:
        runs.read(folder)
    return str(caught.value)


def test_the_digests_are_in_the_form_of_sha256sum(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    fake_run.seal(folder)  # as sha256sum writes it
    assert sorted(lines) == sorted((folder / "SHA256SUMS").read_text().splitlines())


@pytest.mark.fault("results")
def test_line_ends_of_windows_are_told_from_damage(folder):
    sums = folder / "SHA256SUMS"
    sums.write_bytes(sums.read_bytes().replace(b"\n", b"\r\n"))
    runs.read(folder)
    for line in sums.read_text().splitlines():
        file = folder / line[66:]
        content = file.read_bytes()
        file.write_bytes(content.replace(b"\n", b"\r\n"))
        if file.read_bytes() != content:
            assert f"{file} is changed: it has line ends of Windows" in refusal(folder)
        file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
        assert f"{file} is a pointer of Git LFS" in refusal(folder)
        file.write_bytes(content)


def test_a_damaged_missing_or_unlisted_result_is_named(folder):
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        file = folder / line[66:]
        whole = file.read_bytes()
        fault = f"{file} is damaged or missing: not as SHA256SUMS says"
        for damaged in damages(whole):
            file.write_bytes(damaged)
            assert refusal(folder) == fault
        file.unlink()
        assert refusal(folder) == fault
        file.mkdir()
        assert refusal(folder) == f"{file}: Is a directory"
        file.rmdir()
        files.write_sums(folder, run_dir.RESULTS)
        file.write_bytes(whole)
        assert refusal(folder) == fault
        files.write_sums(folder, run_dir.RESULTS)
    runs.read(folder)


def test_no_damage_to_the_digests_passes(folder):
    file = folder / "SHA256SUMS"
    whole = file.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        for content in whole[:place], bytes(damaged):
            file.write_bytes(content)
            said = refusal(folder)
            assert "SHA256SUMS" in said and said.isprintable()
