"""What docs/data.md tells the reader to do works."""

import importlib.util
import shlex
import subprocess
import sys
from itertools import product

import documented
import launching
import numpy as np
import pytest
from launching import SMALL

from vladser.corpora import manifest, readers

PAGE = documented.page("docs/data.md")
PROGRAM = "python -m launch.main "
HUB = "facebook/wav2vec2-base"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """mine.csv, EMODB and RECORDINGS as the page speaks of them; where it is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    folder, draw = tmp_path, np.random.default_rng(0)
    (table,) = documented.blocks(PAGE, "csv")
    (folder / "mine.csv").write_text(table)
    for utterance in readers.read("manifest", folder / "mine.csv").utterances:
        documented.write_noise(utterance.file, draw)
    documented.write_emodb(folder / "EMODB", draw)
    reader, code = documented.blocks(PAGE, "python")
    (folder / "embeddings.py").write_text(code)
    (folder / "my_package").mkdir()
    (folder / "my_package" / "my_reader.py").write_text(reader)
    for speaker, emotion in product("ab", ("angry", "happy", "sad", "neutral")):
        file = folder / "RECORDINGS" / f"{speaker}_1_{emotion}.wav"
        documented.write_noise(file, draw)
    return folder


def write_database(folder):
    audformat = pytest.importorskip("audformat")
    database = audformat.Database("mine")
    files = sorted(f"wav/{file.name}" for file in (folder / "wav").glob("*.wav"))
    table = audformat.Table(audformat.filewise_index(files))
    database["files"] = table
    for name, values in {
        "speaker": [file.split("/")[1].split("_")[0] for file in files],
        "emotion": ["anger", "happiness", "sadness", "neutral"] * 2,
    }.items():
        database.schemes[name] = audformat.Scheme("str")
        table[name] = audformat.Column(scheme_id=name)
        table[name].set(values)
    database.save(str(folder / "DATABASE"))
    (folder / "DATABASE" / "wav").symlink_to(folder / "wav")


def write_network(folder):
    """One that stands for that of the hub."""
    pytest.importorskip("transformers")
    import networks

    return networks.save("wav2vec2", folder / "network", num_hidden_layers=9)


def run(folder, block, capsys, *flags):
    """Runs the commands of a block in the folder, those of launch.main with flags."""
    if "DATABASE" in block:
        write_database(folder)
    if "wav2vec2" in block:
        block = block.replace(HUB, f"{write_network(folder)}")
    for number, line in enumerate(block.splitlines()):
        if line.startswith(PROGRAM):
            argv = shlex.split(line.removeprefix(PROGRAM))
            status = launching.call(*argv, *flags, f"--run_dir=runs/{number}")
            assert status == 0, capsys.readouterr().err
        elif not line.startswith("pip "):
            line = line.replace("python ", f"{shlex.quote(sys.executable)} ")
            subprocess.run(line, shell=True, check=True)


@pytest.mark.slow
def test_every_experiment_can_begin(folder, capsys):
    for block in documented.blocks(PAGE, "sh"):
        needed = {"DATABASE": "audformat", "wav2vec2": "transformers"}
        packages = [package for word, package in needed.items() if word in block]
        if all(map(importlib.util.find_spec, packages)):
            run(folder, block, capsys, "--dry_run")


@pytest.mark.long
@pytest.mark.parametrize("block", documented.blocks(PAGE, "sh"))
def test_every_command_works(folder, capsys, block):
    few = "--epochs=1", "--seeds=1", "--cache_dir=cache"
    run(folder, block, capsys, *SMALL, *few)


def test_all_corpora_and_columns_are_named():
    for name in readers.READERS:
        assert f"`{name}`" in PAGE or f"--corpus={name}" in PAGE, name
    for name in manifest.COLUMNS:
        assert f"`{name}`" in PAGE, name
