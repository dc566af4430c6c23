"""SHA256SUMS of a run directory: damage to any result is named."""

import hashlib
import re
import shutil
import subprocess

import fake_run
import launching
import pytest

from launch.experiment import run_dir
from launch.reporting import runs
from vladser import files
from vladser.errors import InputError

FILES = {
    "flags.txt": b"--seeds=1\n",
    "audit.json": b"[]",
    "metrics.jsonl": bytes(range(256)),
    "predictions.csv": b"a,b\r\n" * 20,
    "summary.json": '{"speaker": "Jürgen"}'.encode(),
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    files.write_sums(tmp_path, run_dir.RESULTS)
    (tmp_path / "notes.txt").touch()
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
        files.check_sums(folder, run_dir.RESULTS)
    return str(caught.value)


def test_the_digests_are_in_the_form_of_sha256sum(folder):
    assert (folder / "SHA256SUMS").read_text().splitlines() == [
        f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}"
        for name in run_dir.RESULTS
        if name in FILES
    ]
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
        assert subprocess.run(command, cwd=folder).returncode == 0


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_missing_or_unlisted_result_is_named(folder, name):
    file = folder / name
    fault = f"{file} is damaged or missing: not as SHA256SUMS says"
    for damaged in damages(FILES[name]):
        file.write_bytes(damaged)
        assert refusal(folder) == fault
    file.unlink()
    assert refusal(folder) == fault
    files.write_sums(folder, run_dir.RESULTS)
    files.check_sums(folder, run_dir.RESULTS)
    file.write_bytes(FILES[name])
    assert refusal(folder) == fault
    file.unlink()
    file.mkdir()
    assert refusal(folder) == f"{file}: Is a directory"


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


def test_no_report_is_made_of_a_damaged_run(tmp_path):
    fake_run.write(tmp_path, [("mean", "none", 0.0)], speakers=("a", "b"), seeds=(0,))
    (tmp_path / "predictions.csv").write_text("the report needs none of it")
    fake_run.seal(tmp_path)
    for file in [file for file in tmp_path.iterdir() if file.stat().st_size]:
        whole = file.read_bytes()
        for damaged in damages(whole):
            file.write_bytes(damaged)
            with pytest.raises(InputError, match=f"{re.escape(file.name)}|SHA256SUMS"):
                runs.read(tmp_path)
        file.write_bytes(whole)
    runs.read(tmp_path)


@pytest.mark.slow
def test_a_run_that_dies_before_its_digests_has_not_finished(
    corpus, tmp_path, monkeypatch, capsys
):
    def dies(*_):
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    argv = *corpus, *launching.SMALL, f"--run_dir={folder}"
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_sums", dies)
        assert launching.call(*argv) == 130
    results = (folder / "predictions.csv").read_bytes()
    with pytest.raises(InputError, match="has not finished: no SHA256SUMS"):
        runs.read(folder)
    assert launching.call(*argv) == 0
    assert (folder / "predictions.csv").read_bytes() == results
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    own = {".lock", "checkpoints", "report.html", "report.md", "SHA256SUMS"}
    assert listed == {file.name for file in folder.iterdir()} - own
