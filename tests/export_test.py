"""Exported models give what their bundles give; docs/exporting.md."""

import re
import shlex
import subprocess
import sys
from functools import partial

import documented
import jax.numpy as jnp
import launching
import numpy as np
import pytest
import streams
from jax import export as jax_export

import launch.export
from launch.command_line import cli
from vladser.contracts import Aggregator
from vladser.errors import InputError
from vladser.models import bundle, export, exported, inference
from vladser.registry import aggregators, encoders

pytestmark = pytest.mark.fault("exports")

DIM = 5


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
FORMS = ("stablehlo", "onnx")
_bundle = partial(streams.random_bundle, feature_set="toy", dim=DIM)


def _run(*argv):
    return cli.run(launch.export.main, launch.export.Settings, "", argv)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """A model, in the working directory."""
    model = _bundle("netvlad(clusters=2)")
    bundle.save(model, tmp_path / "toy")
    monkeypatch.chdir(tmp_path)
    return model


@pytest.fixture(autouse=True)
def _needs_the_extra(request):
    callspec = getattr(request.node, "callspec", None)
    if callspec and callspec.params.get("form") == "onnx":
        pytest.importorskip("jax2onnx")


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "encoder", [pytest.param(name, marks=pytest.mark.long) for name in encoders.names()]
)
def test_each_encoder_exports(encoder, form):
    model = _bundle("attentive_maximum(pool=4)", encoder=encoder)
    assert "16 utterances" in exported.check(getattr(export, form)(model), form, model)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_is_exported_gives_what_the_bundle_gives(pooling, form):
    """By the check that comes before a file is written, of which the next tests are."""
    model = _bundle(pooling)
    content = getattr(export, form)(model)
    assert "16 utterances" in exported.check(content, form, model)
    if form == "onnx":
        pytest.importorskip("onnx").checker.check_model(content, full_check=True)
        runtime = pytest.importorskip("onnxruntime")
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        said = session.get_modelmeta().custom_metadata_map
        assert said == {"emotions": ",".join(streams.EMOTIONS), "feature_set": "toy"}


@pytest.mark.slow
def test_an_exported_model_gives_what_the_bundle_gives_for_an_utterance_and_padding():
    model = _bundle("netvlad(clusters=2)")
    call = jax_export.deserialize(export.stablehlo(model)).call
    features = np.random.default_rng(0).normal(size=(2, 6, DIM)).astype(np.float32)
    features[1, 4:] = np.nan
    expected = inference.classify(model, [features[0], features[1, :4]])
    probabilities, embedding = call(features, np.array([6, 4], np.int32))
    np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-5)
    np.testing.assert_allclose(embedding, expected.embedding, atol=1e-5)


@pytest.mark.parametrize("precision", ["default", "highest"])
def test_stablehlo_is_for_all_platforms_in_the_precision_of_the_model(precision):
    bundle = _bundle("mean", precision=precision)
    content = jax_export.deserialize(export.stablehlo(bundle))
    assert content.platforms == ("cpu", "cuda", "tpu")
    lines = content.mlir_module().splitlines()
    products = [line for line in lines if ".dot_general" in line]
    assert products
    assert {"HIGHEST" in line for line in products} == {precision == "highest"}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_a_model_is_checked_and_written(saved, tmp_path, capsys, form):
    assert _run("--model=toy", f"--to={form}") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"wrote toy.{form}: ") and "over 16 utterances in" in said
    assert "probabilities: angry, happy, sad, neutral; features: toy" in said
    content = (tmp_path / f"toy.{form}").read_bytes()
    assert content and b".py" not in content  # no paths of this machine


@pytest.mark.slow
def test_what_differs_is_not_written(saved, tmp_path, monkeypatch, capsys):
    other = export.stablehlo(_bundle("netvlad(clusters=2)", encoder="gru"))
    monkeypatch.setattr(export, "stablehlo", lambda model: other)
    assert _run("--model=toy", "--to=stablehlo") == 1
    assert "error: in jax" in (err := capsys.readouterr().err)
    assert "differs from its bundle by" in err
    assert not list(tmp_path.glob("*.stablehlo"))


@pytest.mark.parametrize("form", FORMS)
def test_what_does_not_run_or_cannot_be_exported_is_said(saved, form):
    with pytest.raises(InputError, match=r"does not run: .+"):
        exported.check(b"no program", form, saved)
    with pytest.raises(
        InputError, match=f"lstm.*, {__name__}.counted and linear cannot be"
    ):
        getattr(export, form)(_bundle(f"{__name__}.counted"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"pieces": "first(frames=9)"}, "first(frames=9) is no part of the network"),
        ({"readout": "svm"}, "svm(cost=1.0) is no part of the network"),
    ],
)
def test_what_is_beside_the_network_is_refused(form, parts, said):
    with pytest.raises(InputError) as error:
        getattr(export, form)(_bundle(**parts))
    assert str(error.value).startswith(said)


def test_without_the_extra_it_is_said_what_to_install(saved, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    assert _run("--model=toy", "--to=onnx") == 1
    assert "pip install 'vladser[onnx]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--model=toy", "--to is required: the format: stablehlo or onnx"),
        ("--model=toy --to=onnx --output=toy", "expected a new file's name"),
        ("--model=toy --to=onnx --output=no/toy", "expected a new file's name"),
        ("--model=. --to=onnx", ". is no model"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(argv, words, saved, capsys):
    assert _run(*argv.split()) == 2
    assert words in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS)
def test_the_page_exports_and_runs_without_vladser(form, tmp_path):
    page = documented.page("docs/exporting.md")
    (command,) = re.findall(rf"^.*(-m launch.export .*--to={form}.*)$", page, re.M)
    blocks = documented.blocks(page, "python")
    (code,) = (block for block in blocks if f"emodb.{form}" in block)
    bundle.save(streams.random_bundle("netvlad(clusters=2)"), tmp_path / "MODEL")
    hidden = launching.without(tmp_path / "hidden", "vladser", "launch")
    seen = {"PYTHONPATH": str(launching.ROOT)}
    for arguments, path in (shlex.split(command), seen), (["-c", code], hidden):
        run = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=launching.environment() | path,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("(2, 4)\n")
