"""A trained model as a folder: what is read is what was written, or it is refused."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import jax
import numpy as np
import pytest
from closeness import assert_same
from safetensors import numpy as safetensors

from vladser import model
from vladser.condition import make
from vladser.errors import InputError
from vladser.models import bundle, inference
from vladser.registry import aggregators

FILES = {"model.json", "parameters.safetensors", "README.md", "SHA256SUMS"}
EMOTIONS = ("angry", "happy", "sad", "neutral")
OWN = "vladser.aggregators.mean.mean"  # by its import path, as one from elsewhere


def _bundle(pooling, seed=0):
    draw = np.random.default_rng(seed)
    one = bundle.Bundle(
        emotions=EMOTIONS,
        feature_set="toy",
        condition=make(aggregator=pooling, cells=8),
        mean=draw.normal(size=5).astype(np.float32),
        scale=draw.uniform(0.5, 2, 5).astype(np.float32),
        params=None,
        about={"training": None},
    )
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), one.spec))
    params = jax.tree.map(lambda x: draw.normal(size=x.shape).astype(x.dtype), shapes)
    return replace(one, params=params)


@pytest.fixture(scope="module")
def netvlad():
    return _bundle("netvlad(clusters=2)")


@pytest.fixture(scope="module")
def written(netvlad, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "model"
    bundle.save(netvlad, folder)
    return folder


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def _sealed(folder, **changes):
    """Changes model.json, and makes the digests right again."""
    said = json.loads((folder / "model.json").read_text()) | changes
    (folder / "model.json").write_text(json.dumps(said))
    _seal(folder)


def _seal(folder):
    names = "model.json", "parameters.safetensors"
    lines = (f"{sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    (folder / "SHA256SUMS").write_text("".join(lines))


def _refused(folder, own=()):
    with pytest.raises(InputError) as error:
        bundle.load(folder, own)
    message = str(error.value)
    assert len(message.splitlines()) == 1 and str(folder) in message
    return message


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["netvlad(clusters=2)", OWN])
def test_a_bundle_predicts_what_the_model_did(pooling, tmp_path):
    one = _bundle(pooling)
    bundle.save(one, tmp_path / "model")
    again = bundle.load(tmp_path / "model", [one.condition.aggregator])
    frames = [np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)]
    expected, found = (inference.classify(each, frames) for each in (one, again))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    np.testing.assert_array_equal(found.embedding, expected.embedding)


def test_all_of_it_comes_back(netvlad, written):
    one, again = netvlad, bundle.load(written)
    assert {path.name for path in written.iterdir()} == FILES
    assert again.spec == one.spec and again.condition == one.condition
    assert again.emotions == one.emotions and again.about == one.about
    assert again.feature_set == one.feature_set
    parts = [(each.mean, each.scale, each.params) for each in (one, again)]
    jax.tree.map(np.testing.assert_array_equal, *parts)
    for line in (written / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert sha256((written / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("pooling", aggregators.names())
def test_the_parameters_of_every_pooling_come_back(pooling, tmp_path):
    one = _bundle(pooling)
    bundle.save(one, tmp_path / "model")
    again = bundle.load(tmp_path / "model")
    jax.tree.map(np.testing.assert_array_equal, one.params, again.params)


@pytest.mark.slow
def test_nothing_but_the_folder_is_needed(written, tmp_path):
    """Another process, another place, neither corpus nor openSMILE."""
    elsewhere = shutil.move(shutil.copytree(written, tmp_path / "a"), tmp_path / "b c")
    code = (
        "import sys; sys.modules['opensmile'] = None\n"
        "from pathlib import Path; import numpy as np\n"
        "from vladser.models import bundle, inference\n"
        "one = bundle.load(Path(sys.argv[1]))\n"
        "found = inference.classify(one, [np.zeros((9, 5), np.float32)])\n"
        "print(found.probabilities.sum())"
    )
    command = [sys.executable, "-c", code, str(elsewhere)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(1, abs=1e-5), done.stderr


def test_what_is_there_is_not_overwritten(written):
    with pytest.raises(InputError, match="is there already"):
        bundle.save(_bundle("netvlad(clusters=2)", seed=1), written)


@pytest.mark.parametrize("name", ["model.json", "parameters.safetensors", "SHA256SUMS"])
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


def test_the_card_may_be_edited(copy):
    (copy / "README.md").write_text("mine")
    bundle.load(copy)


def test_another_format_is_said(copy):
    _sealed(copy, format=2)
    (copy / "parameters.safetensors").unlink()  # that format may have other files
    assert "format 2: vladser" in _refused(copy)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"emotions": "angry"}, "emotions is 'angry': should be two names or more"),
        ({"emotions": ["a", "a"]}, "emotions is"),
        ({"features": 0}, "features is 0: should be a count"),
        ({"features": 4}, "mean has shape (5,): should be (4,)"),
        ({"emotions": ["a", "b", "c"]}, "should be (16, 3)"),
        ({"condition": None}, "condition is None"),
        ({"condition": {"sells": 8}}, "unknown setting 'sells'"),
        ({"about": []}, "about is []"),
        ({"emotions": ["a", "\x1b[2J"]}, "emotions is"),
        ({"emotions": ["a", "b\nc"]}, "emotions is"),
        ({"emotions": ["a", "\ud800"]}, "emotions is"),
        ({"emotions": ["a", ""]}, "emotions is"),
        ({"feature_set": "\x1b[2J"}, "feature_set is"),
        ({"feature_set": "npy-9"}, "feature_set is 'npy-9'"),
        ({"feature_set": "npy-x"}, "feature_set is 'npy-x'"),
    ],
)
def test_a_description_that_fits_nothing_is_refused(changes, says, copy):
    _sealed(copy, **changes)
    assert says in _refused(copy)


def test_a_setting_out_of_range_is_refused(copy):
    condition = json.loads((copy / "model.json").read_text())["condition"]
    for wrong in ({"cells": 0}, {"cells": 8.5}, {"alpha": -1}, {"smoothing": 3}):
        _sealed(copy, condition=condition | wrong)
        assert next(iter(wrong)) in _refused(copy)
    absurd = {"aggregator": "nextvlad(expansion=1000000000,groups=7)"}
    for wrong in ({"cells": 10**12}, {"cells": 10**30}, absurd):
        _sealed(copy, condition=condition | wrong)
        _refused(copy)


def test_parameters_that_are_no_numbers_are_refused(copy):
    path = copy / "parameters.safetensors"
    arrays = safetensors.load(path.read_bytes())
    for wrong in (arrays["scale"] * np.nan, arrays["scale"].astype(np.float64)):
        path.write_bytes(safetensors.save(arrays | {"scale": wrong}))
        _seal(copy)
        assert "scale: should be finite" in _refused(copy)
    # A shape and a type that numpy has none of, but for its size as it was.
    path.write_bytes(safetensors.save(arrays).replace(b'"F32"', b'"I32"', 1))
    _seal(copy)
    assert "should be finite" in _refused(copy)
    half = {name: array.astype(np.float16) for name, array in arrays.items()}
    path.write_bytes(safetensors.save(half).replace(b'"F16"', b'"BF16"'))
    _seal(copy)
    _refused(copy)
    path.write_bytes(b"nothing of the kind")
    _seal(copy)
    assert "not a file of safetensors" in _refused(copy)


def test_code_from_elsewhere_is_not_run_unless_it_is_named(copy, tmp_path, monkeypatch):
    """Whoever wrote the bundle chose the name: importing it would run anything."""
    (tmp_path / "evil.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(tmp_path)
    condition = json.loads((copy / "model.json").read_text())["condition"]
    _sealed(copy, condition=condition | {"aggregator": "evil.pooling(x=1)"})
    assert "--aggregator=evil.pooling(x=1)" in _refused(copy)
    assert "evil.pooling" in _refused(copy, [aggregators.parse("evil.pooling(x=2)")])
    with pytest.raises(SystemExit):
        bundle.load(copy, [aggregators.parse("evil.pooling(x=1)")])


def test_another_pooling_than_the_models_is_refused(copy):
    own = aggregators.parse("mean")
    assert "has no part mean" in _refused(copy, [own])


def test_a_run_directory_is_not_its_model(written):
    assert f"did you mean {written}?" in _refused(written.parent)


def test_names_are_as_they_are_on_the_card(netvlad, tmp_path):
    one = replace(netvlad, emotions=("a|b", "_c_", "<d>", "`e`"))
    bundle.save(one, tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert r"# a\|b, \_c\_, \<d\>, \`e\`" in card
    assert re.search("trained without a test", card)


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
