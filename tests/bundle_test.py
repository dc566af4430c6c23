"""A trained model as a folder: what is read is what was written, or it is refused."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import streams
from closeness import assert_same
from jax import tree
from safetensors import numpy as safetensors

from launch.command_line import cli, model_flags
from vladser import model, registry
from vladser.condition import make
from vladser.errors import InputError
from vladser.models import bundle, inference
from vladser.registry import aggregators

pytestmark = pytest.mark.fault("models")

FILES = {"model.json", "parameters.safetensors", "README.md", "SHA256SUMS"}
OWN = "vladser.aggregators.mean.mean"  # by its import path, as one from elsewhere


def _bundle(pooling="netvlad(clusters=2)"):
    return streams.random_bundle(pooling, feature_set="toy", dim=5)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "model"
    bundle.save(_bundle(), folder)
    return folder


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def _seal(folder, condition=None, **changes):
    """Changes model.json, and makes the digests right again."""
    said = json.loads((folder / "model.json").read_text()) | changes
    if condition:
        said["condition"] |= condition
    (folder / "model.json").write_text(json.dumps(said))
    names = "model.json", "parameters.safetensors"
    lines = (f"{sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    (folder / "SHA256SUMS").write_text("".join(lines))


def _refused(folder, own=()):
    with pytest.raises(InputError) as error:
        bundle.load(folder, own)
    message = str(error.value)
    assert len(message.splitlines()) == 1 and str(folder) in message
    return message


@pytest.mark.parametrize("pooling", [*aggregators.names(), OWN])
def test_all_of_it_comes_back(pooling, tmp_path):
    one, folder = _bundle(pooling), tmp_path / "model"
    bundle.save(one, folder)
    again = bundle.load(folder, [one.condition.aggregator] * (pooling == OWN))
    assert {path.name for path in folder.iterdir()} == FILES
    assert again.spec == one.spec
    arrays = "mean", "scale", "params"
    for name, expected in vars(one).items():
        if name in arrays:
            tree.map(np.testing.assert_array_equal, getattr(again, name), expected)
        else:
            assert getattr(again, name) == expected


@pytest.mark.parametrize("name", sorted(FILES - {"README.md"}))
def test_no_flipped_bit_and_no_lost_byte_is_read(name, copy):
    content = (copy / name).read_bytes()
    draw = np.random.default_rng(0)
    for place in draw.choice(len(content), 60, replace=False):
        flipped = bytearray(content)
        flipped[place] ^= 1 << draw.integers(8)
        (copy / name).write_bytes(flipped)
        _refused(copy)
    for length in (0, len(content) // 2, len(content) - 1):
        (copy / name).write_bytes(content[:length])
        _refused(copy)
    (copy / name).unlink()
    assert name in _refused(copy)


def test_another_format_is_said(copy):
    _seal(copy, format=2)
    (copy / "parameters.safetensors").unlink()  # that format may have other files
    assert "reads format 1, got 2" in _refused(copy)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"emotions": "angry"}, "emotions: expected two names or more, got 'angry'"),
        ({"emotions": ["a", "a"]}, "emotions: expected"),
        ({"emotions": ["a", "\x1b[2J"]}, "emotions: expected"),
        ({"emotions": ["a", "b", "c"]}, "expected shape (16, 3), got (16, 4)"),
        ({"features": 0}, "features: expected a count, got 0"),
        ({"features": 4}, "mean: expected shape (4,), got (5,)"),
        ({"feature_set": "\x1b[2J"}, "feature_set: expected a name"),
        ({"about": []}, "about: expected an object, got []"),
        ({"condition": {"sells": 8}}, "unknown setting 'sells'"),
        ({"condition": {"cells": 0}}, "cells"),
        ({"condition": {"cells": 10**30}}, ""),
        ({"condition": {"aggregator": "nextvlad(expansion=1000000000,groups=7)"}}, ""),
    ],
)
def test_a_description_that_fits_nothing_is_refused(changes, says, copy):
    _seal(copy, **changes)
    assert says in _refused(copy)


def _half(arrays):
    return {name: array.astype(np.float16) for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda a: safetensors.save(a | {"scale": a["scale"] * np.nan}), "scale: "),
        (lambda a: safetensors.save(a | {"scale": np.float64(a["scale"])}), "scale: "),
        (lambda a: safetensors.save(_half(a)).replace(b'"F16"', b'"BF16"'), "float32"),
        (lambda a: b"nothing of the kind", "expected safetensors"),
    ],
)
def test_parameters_that_are_no_numbers_are_refused(damage, says, copy):
    path = copy / "parameters.safetensors"
    path.write_bytes(damage(safetensors.load(path.read_bytes())))
    _seal(copy)
    assert says in _refused(copy)


def _fitted(readout, pieces="windows(frames=9,hop=4,silence=9.0)"):
    """A model of pieces whose readout was fitted to noise."""
    parts = {"feature_set": "toy", "dim": 5, "pieces": pieces, "readout": readout}
    one, draw = streams.random_bundle(**parts), np.random.default_rng(0)
    made = registry.readouts.build(one.condition.readout)
    if not made.fit:
        return one
    size = model.sizes(one.spec)[1] if made.representations else one.spec.classes
    parent = np.repeat(np.arange(40), 3)
    vectors = made.describe(draw.random((120, size)), parent, 40)
    return replace(one, fitted=made.fit(0, vectors, np.arange(40) % 4, 4))


READOUTS = "softmax", "elm(hidden=7)", "svm"


@pytest.mark.slow
@pytest.mark.parametrize("readout", READOUTS)
def test_a_readout_comes_back_and_says_the_same_of_pieces(readout, tmp_path):
    one, folder, draw = _fitted(readout), tmp_path / "model", np.random.default_rng(1)
    bundle.save(one, folder)
    again = bundle.load(folder)
    assert again.condition == one.condition and sorted(again.fitted) == sorted(
        one.fitted
    )
    for name, array in one.fitted.items():
        assert again.fitted[name].dtype == np.float64
        np.testing.assert_array_equal(again.fitted[name], array)
    features = [draw.normal(size=(n, 5)).astype(np.float32) for n in (1, 8, 30)]
    energy = [draw.random(len(frames)) for frames in features]
    found, expected = (inference.classify(b, features, energy) for b in (again, one))
    tree.map(np.testing.assert_array_equal, found, expected)
    assert found.probabilities.shape == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("readout", READOUTS)
def test_speech_that_goes_on_is_read_out_as_a_whole_utterance_is(readout):
    one = _fitted(readout, "whole")
    frames = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
    walk = inference.start(one, 1)
    for part in frames[:33], frames[33:]:
        mask = np.ones((len(part), 1), bool)
        walk = inference.advance(one, walk, part[:, None], mask)
    found, expected = inference.finish(one, walk), inference.classify(one, [frames])
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    np.testing.assert_allclose(found.embedding, expected.embedding, atol=1e-4)


@pytest.mark.parametrize(
    ("readout", "damage", "says"),
    [
        ("elm(hidden=7)", {"outer": None}, "no parameters of the readout: 'outer'"),
        ("elm(hidden=7)", {"inner": np.ones((3, 7))}, "no parameters of the readout: "),
        ("elm(hidden=7)", {"outer": np.ones((7, 3))}, "expected 4 scores, got 3"),
        (
            "elm(hidden=7)",
            {"outer": np.full((7, 4), np.nan)},
            "readout.outer: expected",
        ),
        ("elm(hidden=7)", {"outer": np.ones((7, 4), "f")}, "expected finite float64"),
        ("svm", {"support": None}, "no parameters of the readout: 'support'"),
        ("svm", {"support": np.ones((2, 8))}, "expected 2 support vectors, got 40"),
        ("svm", {"count": np.full(4, 1e18)}, "40 support vectors, got "),
        ("svm", {"count": np.array([50.0, -10, 0, 0])}, "no parameters of the readout"),
        ("svm", {"bias": np.ones(5)}, "no parameters of the readout: zip"),
        ("svm", {"dual": np.ones((1, 40))}, "no parameters of the readout: index"),
        ("softmax", {"outer": np.ones(1)}, "readout.outer: expected shape None, got"),
    ],
)
def test_a_damaged_readout_is_refused(readout, damage, says, tmp_path):
    one, folder = _fitted(readout, "whole"), tmp_path / "model"
    bundle.save(one, folder)
    path = folder / "parameters.safetensors"
    arrays = safetensors.load(path.read_bytes())
    for name, array in damage.items():
        arrays.pop(f"readout.{name}", None)
        if array is not None:
            arrays[f"readout.{name}"] = array
    path.write_bytes(safetensors.save(arrays))
    _seal(folder)
    assert says in _refused(folder)


def test_code_from_elsewhere_is_not_run_unless_it_is_named(copy, tmp_path, monkeypatch):
    """Whoever wrote the bundle chose the name: importing it would run anything."""
    (tmp_path / "evil.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    _seal(copy, condition={"aggregator": "evil.pooling(x=1)"})
    assert "--aggregator=evil.pooling(x=1)" in _refused(copy)
    assert "evil.pooling" in _refused(copy, [aggregators.parse("evil.pooling(x=2)")])
    with pytest.raises(InputError, match=r"evil\.py:1: SystemExit: was run"):
        bundle.load(copy, [aggregators.parse("evil.pooling(x=1)")])


PLAIN = {
    "pieces": "whole.whole",
    "encoder": "none.none",
    "aggregator": "mean.mean",
    "head": "linear.linear",
    "objective": "cross_entropy.cross_entropy",
    "readout": "softmax.softmax",
}


@pytest.mark.parametrize("kind", bundle.BUILT)
def test_programs_take_the_flag_that_code_from_elsewhere_needs(kind, tmp_path):
    room = kind if kind == "pieces" else f"{kind}s"
    part = f"vladser.{room}.{PLAIN[kind]}"  # as one from elsewhere
    condition = make(**{kind: part})
    bundle.save(replace(_bundle(), condition=condition), tmp_path / "model")
    model, own = f"--model={tmp_path / 'model'}", getattr(condition, kind)
    with pytest.raises(cli.UsageError, match=rf"say --{kind}={part}"):
        cli.parse(model_flags.Settings, [model])
    trusted = cli.parse(model_flags.Settings, [model, f"--{kind}={own}"])
    assert getattr(trusted.description.condition, kind) == own


def test_another_pooling_than_the_models_is_refused(copy):
    assert "has no part mean" in _refused(copy, [aggregators.parse("mean")])


def test_a_folder_is_not_overwritten_and_a_run_directory_is_not_its_model(written):
    with pytest.raises(InputError, match="is there already"):
        bundle.save(_bundle(), written)
    assert f"did you mean {written}?" in _refused(written.parent)


def test_the_card_shows_names_as_they_are_and_may_be_edited(tmp_path):
    names, folder = ("a|b", "_c_", "<d>", "`e`"), tmp_path / "model"
    bundle.save(replace(_bundle(), emotions=names), folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert r"# a\|b, \_c\_, \<d\>, \`e\`" in card
    assert "trained without a test" in card
    assert "over time and a softmax classifier. Made" in card
    (folder / "README.md").write_text("mine")  # it may be edited
    assert bundle.load(folder).emotions == names


def test_a_model_of_format_1_classifies_as_it_did():
    """Written before the encoder, the head and others could be chosen."""
    folder = Path(__file__).parent / "data" / "model_format1"
    model = bundle.load(folder)
    assert model.condition == make(
        aggregator="netvlad(clusters=2)", cells=4, alpha=0.1, focal=0.5
    )
    draw = np.random.default_rng(0)
    frames = [draw.normal(size=(n, 147)).astype(np.float32) for n in (5, 40)]
    expected = np.array(json.loads((folder / "expected.json").read_text()))
    found = inference.classify(model, frames).probabilities
    assert_same(found, expected, 40 * (147 + 4))
