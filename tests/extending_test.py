"""What docs/extending.md shows is run, as it says it."""

import re
import runpy

import documented
import jax
import launching
import numpy as np
import oracles
import pytest
from closeness import assert_same

from vladser import rules, testing
from vladser.registry import ROOMS

pytestmark = pytest.mark.numeric

PAGES = "README.md", "docs/extending.md"
FRAMES = np.random.default_rng(0).normal(size=(9, 4))


def _soft_maximum(params, frames):
    return np.log(np.mean(np.exp(4.0 * frames), axis=0)) / 4.0


def _attention(params, frames):
    (w, b), (v, c) = (
        (params[layer]["kernel"], params[layer]["bias"])
        for layer in ("Dense_0", "Dense_1")
    )
    scores = [(np.tanh(frame @ w + b) @ v + c).item() for frame in frames]
    return np.array(oracles.softmax(scores)) @ frames


def _convolution(params, frames):
    kernel, bias = params
    padded = np.pad(frames, ((2, 2), (0, 0)))
    outputs = [
        sum(padded[t + n] @ kernel[n] for n in range(5)) + bias
        for t in range(len(frames))
    ]
    return np.maximum(outputs, 0)[:, None]  # a minibatch of one


OWN = {
    ("aggregator", "my_pooling.soft_maximum(sharpness=4.0)"): _soft_maximum,
    ("aggregator", "my_modules.attention(hidden=8)"): _attention,
    ("encoder", "my_encoders.convolution(channels=6)"): _convolution,
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


COMMANDS = [
    command
    for page in PAGES
    for command in documented.commands(documented.page(page))
    if "my_" in command
]


def test_the_pooling_of_the_readme_has_20_lines():
    ((_, code),) = documented.own_poolings("README.md")
    assert len(code.split("\n\n\n")[1].splitlines()) <= 20


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "text"), OWN)
def test_a_part_is_its_formula_and_keeps_the_contract(reader, kind, text):
    part = ROOMS[kind].build(ROOMS[kind].parse(text))
    getattr(testing, f"check_{kind}")(part)
    params = rules.parameters(part, 4)
    frames = FRAMES if kind == "aggregator" else FRAMES[:, None]
    with jax.enable_x64(True):
        outputs = part.apply(params, frames, np.ones(frames.shape[:-1], bool))
    assert_same(outputs, OWN[kind, text](params, FRAMES), FRAMES.size * 5)


def test_the_pooling_of_the_readme_streams_and_others_do_not(reader):
    streams = [
        ROOMS[kind].build(ROOMS[kind].parse(text))[-1] is not None for kind, text in OWN
    ]
    assert streams == [True, False, False]


def _block(text):
    """The block of Python in docs/extending.md that has some text in it."""
    blocks = documented.blocks(documented.page("docs/extending.md"), "python")
    (code,) = (block for block in blocks if text in block)
    return code


@pytest.mark.slow
def test_the_checks_can_be_called_as_the_page_shows_them(reader):
    exec(_block("from vladser import testing"), {})


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_experiment_can_begin(reader, corpus, capsys, command):
    ((name, argv),) = documented.programs(command)
    assert name == "main"
    # Instead of the demo, which would be synthesized first.
    assert launching.call(*argv, *corpus, "--dry_run") == 0, capsys.readouterr().err
    (own, *_) = re.findall(r"my_\w+\.\w+", command)
    assert own in capsys.readouterr().out


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
    (reader / "example.py").write_text(code)
    names = runpy.run_path(str(reader / "example.py"), run_name="__main__")
    of_folds = names["outcome"].probabilities
    assert [tested.shape for tested in of_folds] == [(1, 1, 8, 4)] * 4
    assert all(abs(tested.sum(axis=-1) - 1).max() < 1e-5 for tested in of_folds)
