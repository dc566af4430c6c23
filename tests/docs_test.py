"""What README and docs/ tell the reader to do works: every command of every page."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import documented
import fake_run
import iemocap_test
import launching
import numpy as np
import pytest
import soundfile
import streams
from launching import ROOT, SMALL

from launch.command_line import cli, fields
from vladser import testing
from vladser.models import bundle
from vladser.registry import aggregators

PAGES = {
    file.stem: documented.page(file)
    for file in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
}
ELSEWHERE = "data", "exporting"  # pages with a test of their own
COMMANDS = [
    command
    for name, page in PAGES.items()
    if name not in ELSEWHERE
    for command in documented.commands(page)
]
FEW = (*SMALL, "--epochs=1", "--seeds=1")
PROGRAMS = ("audit", "benchmark", "export", "main", "predict", "report", "stream")
MAIN = "python -m launch.main "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the reader is, with all that the pages speak of."""
    folder = tmp_path_factory.mktemp("reader")
    draw, table = np.random.default_rng(0), "file,speaker,emotion,split\n"
    for split, speaker in zip(
        ("train", "train", "test"), ("ann", "ben", "cid"), strict=True
    ):
        for emotion in ("angry", "happy", "sad", "neutral", "calm"):
            file = f"FOLDER/{speaker}_{emotion}.wav"
            table += f"{file},{speaker},{emotion},{split}\n"
            documented.write_noise(folder / file, draw)
    for name in ("mine.csv", "LIST.csv"):
        (folder / name).write_text(table)
    for name in ("FILE", "FILE.wav", "LONG.flac", "TALK.mp3"):
        samples = draw.normal(0, 0.1, 24000)
        soundfile.write(folder / name, samples, 16000, format="FLAC")
    (folder / "SPEECH.pcm").write_bytes(streams.pcm(1.2))
    ffmpeg = streams.sounddevice(folder / "path", streams.hears(1.2)) / "ffmpeg"
    ffmpeg.write_text("#!/bin/sh\nexec cat SPEECH.pcm\n")
    ffmpeg.chmod(0o755)
    documented.write_emodb(folder / "EMODB", draw)
    labels = {
        f"Ses0{session}F_impro01_{speaker}{turn:03}": label
        for session in (1, 2)
        for speaker in "FM"
        for turn, label in enumerate(["ang", "exc", "hap", "sad", "neu"])
    }
    iemocap_test.write(folder / "IEMOCAP_full_release", labels)
    for file in (folder / "IEMOCAP_full_release").rglob("Ses*.wav"):
        documented.write_noise(file, draw)
    for name in ("mine", "other"):
        fake_run.write(folder / "runs" / name)
    for model in ("MODEL", "runs/use/model"):
        bundle.save(streams.random_bundle(), folder / model)
    return folder


@pytest.fixture
def reader(folder, monkeypatch):
    """The reader, who is in the folder, where the pages' own parts are too."""
    for page in "README.md", "docs/extending.md":
        for name, code in documented.own_poolings(page):
            (folder / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.syspath_prepend(folder / "path")


@pytest.mark.parametrize("command", COMMANDS)
def test_its_program_takes_every_command(command, reader):
    programs = [*documented.programs(command)]
    assert len(programs) == command.count("launch.")
    for name, argv in programs:
        assert cli.parse(import_module(f"launch.{name}").Settings, argv)


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command, reader, capsys, tmp_path):
    if command.startswith("pip "):
        pytest.skip(".ci/run installs")
    if "paper.flags" in command:
        pytest.skip(".ci/long runs it, which takes minutes")
    if "--accelerator" in command:
        pytest.skip("it needs one")
    if "demo.flags" in command:
        pytest.importorskip("espeakng_loader")
    if "--ray" in command and not find_spec("ray"):  # whose import reads its settings
        pytest.skip("ray is not installed")
    few = [flag for flag in FEW if flag.partition("=")[0] not in command]
    if "--encoder" in command:  # which need not have cells
        few.remove("--cells=4")
    few.append(f"--run_dir={tmp_path / 'run'}")
    if "demo.flags" not in command:  # whose features are kept for all tests
        few.append("--cache_dir=cache")
    if command.startswith(MAIN) and "&" not in command:
        argv = shlex.split(command.removeprefix(MAIN))
        assert launching.call(*argv, *few) == 0, capsys.readouterr().err
        return
    if "launch.main" in command or "launch.audit" in command:
        command = "&".join(f"{one} {' '.join(few)}" for one in command.split("&"))
    path = "path:" + os.environ["PATH"]
    run = subprocess.run(
        re.sub(r"\bpython\b(?= -)", shlex.quote(sys.executable), command),
        shell=True,
        env=launching.environment() | {"PYTHONPATH": f"{ROOT}:path", "PATH": path},
        capture_output=True,
        text=True,
    )
    stopped = "--microphone" in command  # the one that is played ends by Ctrl-C
    assert run.returncode == (130 if stopped else 0), run.stderr


@pytest.mark.parametrize("page", ["report", "predicting"])
def test_the_results_can_be_read_by_programs(page, folder):
    vectors = dict.fromkeys(("embeddings", "files", "starts", "ends"), np.zeros((2, 3)))
    np.savez(folder / "vectors.npz", **vectors)
    (code,) = documented.blocks(PAGES[page], "python")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert run.stdout.count("\n") > 1, run.stderr


def test_every_flag_they_name_exists():
    known = {"help"}
    for program in PROGRAMS:
        settings = import_module(f"launch.{program}").Settings
        known |= {name for name, _ in fields.declared(settings)}
    for name, page in PAGES.items():
        ours = re.sub(r"^```bash\n.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
        named = set(re.findall(r"(?<![\w-])--([a-z_]+)", ours))
        assert named <= known, (name, named - known)


def test_every_link_leads_somewhere():
    for name, page in PAGES.items():
        folder = ROOT if name == "README" else ROOT / "docs"
        for target in re.findall(r"\]\((?!http)([^)#]*)\)", page):
            assert (folder / target).exists(), (name, target)


def test_the_pooling_of_the_readme_has_20_lines():
    ((_, code),) = documented.own_poolings("README.md")
    assert len(code.split("\n\n\n")[1].splitlines()) <= 20


def _block(text):
    """The block of Python in docs/extending.md that has some text in it."""
    blocks = documented.blocks(PAGES["extending"], "python")
    (code,) = (block for block in blocks if text in block)
    return code


@pytest.mark.slow
@pytest.mark.numeric
def test_the_checks_can_be_called_as_the_page_shows_them(reader):
    exec(_block("from vladser import testing"), {})
    modules = aggregators.build(aggregators.parse("my_modules.attention(hidden=8)"))
    testing.check_aggregator(modules)
    assert modules.stepwise is None


@pytest.mark.slow
def test_the_library_is_used_as_the_page_shows_it(reader, corpus):
    """On the tones, with the README's pooling, for one epoch instead of ten."""
    file, cache = (flag.partition("=")[2] for flag in corpus[1:])
    code = _block("import experiment")
    for text, instead in [
        ('"emodb", Path("EMODB")', f'"manifest", Path({file!r})'),
        ('Path("cache")', f"Path({cache!r})"),
        ('"mean"', '"my_pooling.soft_maximum"'),
        ("epochs=10", "epochs=1"),
    ]:
        assert text in code
        code = code.replace(text, instead)
    example = Path("example.py").absolute()
    example.write_text(code)
    names = runpy.run_path(str(example), run_name="__main__")
    of_folds = names["outcome"].results.probabilities
    assert [tested.shape for tested in of_folds] == [(1, 1, 8, 4)] * 4
    assert all(abs(tested.sum(axis=-1) - 1).max() < 1e-5 for tested in of_folds)
