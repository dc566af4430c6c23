"""SHA256SUMS of a run directory: damage to any result is named."""

import fake_run
import pytest

from launch.experiment import run_dir
from launch.reporting import runs
from vladser import files
from vladser.errors import InputError


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


def test_a_damaged_missing_or_unlisted_result_is_named(folder):
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        file = folder / line[66:]
        whole = file.read_bytes()
        for damaged in damages(whole):
            file.write_bytes(damaged)
            assert refusal(folder) == (
                f"{file} is damaged or changed: not as SHA256SUMS says"
            )
        file.unlink()
        assert refusal(folder) == f"{file} is missing, but listed in SHA256SUMS"
        file.mkdir()
        assert refusal(folder) == f"{file}: Is a directory"
        file.rmdir()
        files.write_sums(folder, run_dir.RESULTS)
        file.write_bytes(whole)
        assert refusal(folder) == f"{file} is not listed in SHA256SUMS"
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
