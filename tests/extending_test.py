"""What docs/extending.md shows is run, as it says it."""

import json
import os
import shlex
import subprocess
import sys

import documented
import jax
import jax.numpy as jnp
import launching
import numpy as np
import oracles
import pytest
from closeness import assert_same
from launching import ROOT

from vladser.registry import aggregators

pytestmark = pytest.mark.numeric

PAGES = "README.md", "docs/extending.md"
LENGTHS, LONGEST, DIM = (0, 1, 9), 12, 4


def _soft_maximum(params, frames):
    return np.log(np.mean(np.exp(4.0 * frames), axis=0)) / 4.0


def _attention(params, frames):
    (w, b), (v, c) = (
        (params[layer]["kernel"], params[layer]["bias"])
        for layer in ("Dense_0", "Dense_1")
    )
    scores = [(np.tanh(frame @ w + b) @ v + c).item() for frame in frames]
    return np.array(oracles.softmax(scores)) @ frames


OWN = {
    "my_pooling.soft_maximum(sharpness=4.0)": _soft_maximum,
    "my_modules.attention(hidden=8)": _attention,
}


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """The folder in which the reader has what the pages show."""
    for page in PAGES:
        for name, code in documented.own_poolings(page):
            (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def _commands():
    (readme, extending) = map(documented.page, PAGES)
    found = [*documented.commands(readme), *documented.commands(extending)]
    return [command for command in found if "my_" in command]


def test_the_pooling_of_the_readme_has_20_lines():
    ((_, code),) = documented.own_poolings("README.md")
    assert len(code.split("\n\n\n")[1].splitlines()) <= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_it_is_the_formula_whatever_lies_in_the_padding(reader, name):
    with jax.enable_x64(True):
        built = aggregators.build(aggregators.parse(name))
        frames = np.random.default_rng(0).normal(size=(len(LENGTHS), LONGEST, DIM))
        mask = np.arange(LONGEST) < np.array(LENGTHS)[:, None]
        params = jax.jit(built.init, static_argnums=1)(jax.random.key(0), DIM)
        params = jax.tree.map(lambda leaf: np.float64(leaf) + 0.1, params)

        def loss(params, frames, mask):
            vector = built.apply(params, frames, mask)
            return jnp.sum(jnp.sin(vector)), vector

        gradients = jax.value_and_grad(loss, (0, 1), has_aux=True)
        each = jax.jit(jax.vmap(gradients, in_axes=(None, 0, 0)))
        padded = np.where(mask[..., None], frames, np.nan)
        (_, vectors), (params_bar, frames_bar) = each(params, padded, mask)
        for length, vector, one in zip(LENGTHS, vectors, frames, strict=True):
            if length:
                expected = OWN[name](params, one[:length])
                assert_same(vector, expected, LONGEST * DIM)
        for leaf in jax.tree.leaves((vectors, params_bar, frames_bar)):
            assert np.isfinite(leaf).all()
        assert not np.asarray(frames_bar)[~mask].any()
        assert np.abs(np.asarray(frames_bar)[mask]).min() > 0


def test_the_pooling_of_the_readme_streams(reader):
    name, *_ = OWN
    start, update, finish = aggregators.build(aggregators.parse(name)).stepwise
    frames = np.random.default_rng(0).normal(size=(9, DIM)).astype(np.float32)
    padded = np.concatenate([frames, np.full((3, DIM), np.nan, np.float32)])
    state, step = start((), DIM), jax.jit(update)
    for part in np.split(np.arange(12), [0, 4, 8]):
        places = np.resize(part, 4) if len(part) else np.zeros(4, int)
        mask = (places < 9) & (np.arange(4) < len(part))
        state = step((), state, padded[places], mask)
    assert_same(finish((), state), _soft_maximum((), frames), 9 * DIM)


@pytest.mark.slow
@pytest.mark.parametrize("command", _commands())
def test_every_experiment_can_begin(reader, corpus, capsys, command):
    ((name, argv),) = documented.programs(command)
    assert name == "main"
    # Instead of the demo, which would be synthesized first.
    assert launching.call(*argv, *corpus, "--dry_run") == 0, capsys.readouterr().err
    assert "my_pooling.soft_maximum" in capsys.readouterr().out


@pytest.mark.long
def test_poolings_of_ones_own_train_on_the_demo(reader):
    pytest.importorskip("espeakng_loader")
    (command,) = (command for command in _commands() if "my_modules" in command)
    python, *argv = shlex.split(command)
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *argv, f"--cache_dir={reader / 'cache'}"],
        cwd=reader,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    run = reader / "runs" / "demo"
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    found = {one["aggregator"]: one["ua"] for one in summary["conditions"]}
    own = {"my_pooling.soft_maximum", "my_modules.attention(hidden=8)"}
    assert found.keys() == {"mean", *own}
    report = (run / "report.html").read_text(encoding="utf-8")
    for name in own:
        assert found[name]["mean_of_folds"] > 0.4  # chance is 0.25
        assert name in report
