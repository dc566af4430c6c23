"""Exported models give what their bundles give; docs/exporting.md."""

import re
import shlex
import subprocess
import sys

import jax
import jax.numpy as jnp
import launching
import numpy as np
import pytest
from jax import export as jax_export

import launch.export
from launch.command_line import cli
from launch.exporting import check
from vladser import model
from vladser.condition import make
from vladser.errors import InputError
from vladser.models import bundle, export, inference
from vladser.models.bundle import Bundle
from vladser.registry import aggregators
from vladser.types import Aggregator

DIM, EMOTIONS = 5, ("angry", "happy", "sad")
BATCHES = ([1], [3, 1, 6])


def spread():
    """A pooling of one's own, which cannot stream."""

    def apply(params, frames, mask):
        high = jnp.where(mask[:, None], frames, -jnp.inf).max(axis=0)
        low = jnp.where(mask[:, None], frames, jnp.inf).min(axis=0)
        return jnp.where(mask.any(), high - low, 0)

    return Aggregator(lambda key, dim: (), apply)


def counted():
    """One that asks how many frames there are."""

    def apply(params, frames, mask):
        return frames.sum(axis=0) / len(frames)

    return Aggregator(lambda key, dim: (), apply)


OFTEN = ("netvlad",)
POOLINGS = [
    pytest.param(name, marks=() if name in OFTEN else pytest.mark.long)
    for name in aggregators.names()
] + [f"{__name__}.spread"]


def _bundle(pooling, seed=1, dim=DIM, emotions=EMOTIONS):
    draw = np.random.default_rng(0)
    one = Bundle(
        emotions=emotions,
        feature_set="toy",
        condition=make(aggregator=pooling, cells=8),
        mean=draw.normal(size=dim).astype(np.float32),
        scale=draw.uniform(0.5, 2, dim).astype(np.float32),
        params=None,
        about={},
    )
    init = jax.jit(model.init, static_argnums=1)
    params = init(jax.random.key(seed), one.spec)
    return Bundle(**(vars(one) | {"params": params}))


def _agree(one, call):
    """`call` gives what the bundle gives, whatever lies behind the utterances."""
    for lengths in BATCHES:
        draw = np.random.default_rng(len(lengths))
        shape = (len(lengths), max(lengths) + 2, DIM)
        features = draw.normal(size=shape).astype(np.float32)
        for row, length in enumerate(lengths):
            features[row, length:] = np.nan
        expected = inference.classify(
            one, [row[:n] for row, n in zip(features, lengths, strict=True)]
        )
        probabilities, embedding = call(features, np.array(lengths, np.int32))
        np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-5)
        np.testing.assert_allclose(embedding, expected.embedding, atol=1e-5)


def _run(*argv):
    program = launch.export
    return cli.run(program.main, program.Settings, "", argv)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A model, in the working directory, and where vladser cannot be imported by other
    processes."""
    one, hidden = _bundle("netvlad(clusters=2)"), tmp_path / "hidden"
    bundle.save(one, tmp_path / "toy")
    hidden.mkdir()
    for name in ("vladser.py", "launch.py"):
        (hidden / name).write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    monkeypatch.chdir(tmp_path)
    return one


@pytest.mark.slow
@pytest.mark.parametrize("pooling", POOLINGS)
def test_stablehlo_gives_what_the_bundle_gives(pooling):
    one = _bundle(pooling)
    _agree(one, jax_export.deserialize(export.stablehlo(one)).call)


def test_stablehlo_is_for_all_platforms_in_float32():
    content = jax_export.deserialize(export.stablehlo(_bundle("mean")))
    assert content.platforms == ("cpu", "cuda", "tpu")
    products = [
        line for line in content.mlir_module().splitlines() if ".dot_general" in line
    ]
    assert products and all("HIGHEST" in line for line in products)


@pytest.mark.slow
def test_stablehlo_is_checked_where_vladser_is_not(saved, tmp_path, capsys):
    assert _run("--model=toy", "--to=stablehlo") == 0
    said = capsys.readouterr().out
    assert said.startswith("wrote toy.stablehlo: ") and "16 utterances in jax" in said
    assert "probabilities: angry, happy, sad; features: toy" in said
    content = (tmp_path / "toy.stablehlo").read_bytes()
    assert b".py" not in content  # whoever gets it needs no paths of this machine
    _agree(saved, jax_export.deserialize(content).call)


@pytest.mark.slow
def test_what_differs_is_not_written(saved, tmp_path, monkeypatch, capsys):
    other = export.stablehlo(_bundle("netvlad(clusters=2)", seed=2))
    monkeypatch.setattr(export, "stablehlo", lambda one: other)
    assert _run("--model=toy", "--to=stablehlo") == 1
    assert "differs from its bundle by" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.stablehlo"))


@pytest.mark.slow
def test_what_does_not_run_is_said(saved):
    with pytest.raises(InputError, match="does not run: "):
        check.run(b"no program", "stablehlo", saved)


@pytest.mark.parametrize("form", ["stablehlo", "onnx"])
def test_a_pooling_that_cannot_be_exported_is_one_line(form):
    if form == "onnx":
        pytest.importorskip("jax2onnx")
    with pytest.raises(InputError, match=f"pooling {__name__}.counted cannot be"):
        getattr(export, form)(_bundle(f"{__name__}.counted"))


def test_without_the_extra_it_is_said_what_to_install(saved, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    assert _run("--model=toy", "--to=onnx") == 1
    assert "pip install 'vladser[onnx]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--to=onnx",), "--model is required"),
        (("--model=toy",), "--to is required: the format: stablehlo or onnx"),
        (("--model=toy", "--to=torch"), "torch"),
        (("--model=toy", "--to=onnx", "--output=toy"), "toy exists"),
        (("--model=toy", "--to=onnx", "--output=no/toy"), "no is no folder"),
        (("--model=toy", "--to=onnx", "toy"), "unexpected 'toy'"),
        (("--model=hidden", "--to=onnx"), "hidden is no model"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(argv, words, saved, capsys):
    assert _run(*argv) == 2
    assert words in capsys.readouterr().err


def _onnx(content):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def call(features, lengths):
        return session.run(None, {"features": features, "lengths": lengths})

    return session, call


@pytest.mark.slow
@pytest.mark.parametrize("pooling", POOLINGS)
def test_onnx_gives_what_the_bundle_gives(pooling):
    pytest.importorskip("jax2onnx")
    one = _bundle(pooling)
    content = export.onnx(one)
    pytest.importorskip("onnx").checker.check_model(content, full_check=True)
    session, call = _onnx(content)
    _agree(one, call)
    said = session.get_modelmeta().custom_metadata_map
    assert said == {"emotions": "angry,happy,sad", "feature_set": "toy"}


def test_onnx_is_checked_where_vladser_is_not(saved, tmp_path, capsys):
    pytest.importorskip("jax2onnx")
    assert _run("--model=toy", "--to=onnx", "--output=mine.onnx") == 0
    assert "16 utterances in onnxruntime" in capsys.readouterr().out
    content = (tmp_path / "mine.onnx").read_bytes()
    assert b".py" not in content
    _agree(saved, _onnx(content)[1])


@pytest.mark.long
@pytest.mark.parametrize("form", ["stablehlo", "onnx"])
def test_the_page_exports_and_runs(form, tmp_path):
    if form == "onnx":
        pytest.importorskip("jax2onnx")
    page = (launching.ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    (command,) = re.findall(rf"^.*(-m launch.export .*--to={form}.*)$", page, re.M)
    (code,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        if f"emodb.{form}" in block
    )
    one = _bundle("netvlad(clusters=2)", dim=147, emotions=("a", "b", "c", "d"))
    bundle.save(one, tmp_path / "MODEL")
    for arguments, seen in (shlex.split(command), launching.ROOT), (["-c", code], ""):
        run = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=launching.environment() | {"PYTHONPATH": str(seen)},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("(2, 4)\n")
