"""Kind of fault: code of the user's own that is wrong, or has changed."""

import pickle
import sys
from pathlib import Path
from unittest import mock

import launching
import pytest

from launch.command_line import cli
from launch.command_line.model_flags import Settings
from launch.experiment.checkpoints import Checkpoints
from vladser import own_code, own_parts, registry
from vladser.corpora import readers
from vladser.errors import InputError
from vladser.types import Part

pytestmark = pytest.mark.fault("own code")

HEAD = """\
import jax, jax.numpy as jnp, numpy as np
from vladser import masking
from vladser.contracts import Aggregator
"""
POOL = """\
def pool(*, power=2.0):
    def apply(params, frames, mask):
        f = masking.clean(frames, mask)
        {then}
        return {returned}
    return Aggregator({init}, apply)
"""
MEAN = "f.sum(axis=0) / jnp.maximum(mask.sum(), 1)"


def pooling(then="pass", returned=MEAN, init="lambda key, dim: ()"):
    return HEAD + POOL.format(then=then, returned=returned, init=init)


def with_params(params):
    product = "jax.tree.leaves(params)[0] * f.sum(axis=0)"
    return pooling(returned=product, init=f"lambda key, dim: {params}")


GOOD = {
    "mean": pooling(),
    "prints": "print('loaded')\n" + pooling(),
    "numpy_parameters": with_params("{'w': np.ones(dim, np.float32)}"),
    "positional": pooling().replace("*, power", "power"),
    "class": pooling().replace("def pool", "def make") + "class pool:\n"
    "    def __new__(cls, **options): return make(**options)\n",
}
# By name the code, and what is said; a number is a line of the file.
BAD = {
    "syntax": (HEAD + "def pool(:\n", "4: SyntaxError"),
    "indentation": (HEAD + "def pool():\nreturn 3\n", "5: IndentationError"),
    "importing": (HEAD + "x = 1 / 0\n" + pooling(), "4: ZeroDivisionError"),
    "no_module": ("import no_such_module\n", "1: ModuleNotFoundError"),
    "exit": ("import sys; sys.exit(3)\n", "1: SystemExit: 3"),
    "no_function": (HEAD, "AttributeError: module 'my' has no attribute 'pool'"),
    "no_option": (pooling().replace("power=2.0", "order"), "TypeError: pool() missing"),
    "a_number": ("pool = 3\n", "'int' object is not callable"),
    "nothing": (
        "def pool():\n    pass\n",
        "expected a vladser.contracts.Aggregator",
    ),
    "a_tuple": ("def pool():\n    return (1, 2)\n", "got (1, 2)"),
    "name": (pooling(returned="undefined.sum()"), "8: NameError: name 'undefined'"),
    "key": (pooling("{}['w']"), "7: KeyError: 'w'"),
    "index": (pooling(returned="(f, mask)[3]"), "8: IndexError"),
    "assertion": (pooling("assert len(f) > 999, 'long'"), "7: AssertionError: long"),
    "unfinished": (pooling("raise NotImplementedError('later')"), "7: NotImpl"),
    "branch": (pooling("if mask.sum() > 0: pass"), "7: TracerBoolConversionError"),
    "recursion": (pooling("(g := lambda x: g(x))(f)"), "7: RecursionError"),
    "file": (pooling("open('no such file')"), "7: FileNotFoundError"),
    "stop": (pooling("next(iter(()))"), "7: StopIteration: no message"),
    "shapes": (pooling(returned="f @ f"), "8: TypeError: dot_general requires"),
    "unicode": (pooling("b'\\xff'.decode()"), "7: UnicodeDecodeError"),
    "matrix": (pooling(returned="f"), "a rule: apply returns one vector"),
    "scalar": (pooling(returned="f.sum()"), "a rule: apply returns one vector"),
    "list": (pooling(returned="[f[0]]"), "a rule: apply can be compiled"),
    "integers": (pooling(returned="(f[0] > 0).astype(int)"), "dtype of the frames"),
    "bfloat16": (pooling(returned=f"({MEAN}).astype('bfloat16')"), "dtype of the fr"),
    "no_frames": (
        pooling(returned="f.sum(axis=0) / mask.sum()"),
        "are finite, without",
    ),
    "padding": (pooling(returned="frames.mean(axis=0)"), "padding reaches neither"),
    "padding_counts": (pooling(returned="f.mean(axis=0)"), "padding reaches neither"),
    "string_parameter": (with_params("{'w': jnp.ones(dim), 'x': 'a'}"), "'str'"),
    "integer_parameter": (with_params("{'v': jnp.ones(dim), 'w': 3}"), "of floats"),
    "size": (with_params("jnp.ones(63)"), "TypeError: mul got incompatible shapes"),
    "random": (with_params("np.random.normal(size=dim)"), "init depends on the key"),
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes my.py, which is imported anew."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my", raising=False)
    return (tmp_path / "my.py").write_text


@pytest.mark.parametrize("name", GOOD)
def test_a_right_part_passes(written, name):
    written(GOOD[name])
    own_parts.check("aggregator", Part("my.pool"), 64)


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_part_is_one_line_with_its_file_and_line(written, tmp_path, name):
    code, said = BAD[name]
    written(code)
    if said[0].isdigit():
        said = f"{tmp_path / 'my.py'}:{said}"
    with pytest.raises(InputError) as error:
        own_parts.check("aggregator", Part("my.pool"), 64)
    line = str(error.value)
    assert line.startswith("aggregator my.pool") and said in line, line
    assert "\n" not in line


def test_a_reader_that_is_wrong_is_one_line_with_its_file_and_line(
    tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_corpora").mkdir()
    file = tmp_path / "my_corpora" / "reader.py"
    file.write_text("def read(folder):\n    return folder.no_such_thing\n")
    with pytest.raises(InputError) as error:
        readers.read("my_corpora.reader", tmp_path)
    said = f"corpus my_corpora.reader: {file}:2: AttributeError: "
    assert str(error.value).startswith(said)


def test_features_of_ones_own_can_still_be_pickled():
    part = registry.features.build(registry.features.parse("vladser147"))
    guarded = own_code.guard(part, "features my.own", "my.own")
    assert pickle.loads(pickle.dumps(guarded)).setup.path == "my.own"


def test_the_sources_are_the_file_and_what_it_imports_beside_it(written, tmp_path):
    for name in "helps", "never_imported":
        Path(tmp_path, f"{name}.py").write_text("value = 1\n")
    written("import json, helps\n" + pooling())
    registry.aggregators.build(Part("my.pool"))
    before = own_code.sources("my.pool")
    assert [*before] == ["helps.py", "my.py"]
    Path(tmp_path, "helps.py").write_text("value = 2\n")
    after = own_code.sources("my.pool")
    assert after["my.py"] == before["my.py"] and after["helps.py"] != before["helps.py"]


@pytest.fixture
def call(corpus, tmp_path, written):
    """Runs an experiment with the user's pooling."""
    flags = "--aggregator=my.pool", "--cells=4", "--epochs=2", "--seeds=1"
    run = f"--run_dir={tmp_path / 'run'}"

    def call(code, *argv):
        sys.modules.pop("my", None)
        written(code)
        return launching.call(*corpus, *flags, run, *argv)

    return call


@pytest.mark.slow
def test_a_wrong_part_is_refused_before_any_work(call, tmp_path, capsys):
    assert call(BAD["padding"][0]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "error: aggregator my.pool" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_does_not_go_on_with_other_code(call, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "keep", mock.Mock(side_effect=KeyboardInterrupt))
        assert call(pooling()) == 130
    assert call(pooling() + "# edited\n") == 1
    *_, last = capsys.readouterr().err.splitlines()
    assert "was begun with my.py" in last and "name a new folder" in last
    assert call(pooling()) == 0


@pytest.mark.slow
def test_a_model_knows_the_code_that_it_was_trained_with(call, tmp_path):
    assert call(pooling(), "--final_model", "--hold_out=none") == 0
    argv = f"--model={tmp_path / 'run' / 'model'}", "--aggregator=my.pool"
    model = cli.parse(Settings, argv)
    assert model.changed_code() == []
    (tmp_path / "my.py").write_text(pooling() + "# edited\n")
    assert model.changed_code() == ["my.py"]
