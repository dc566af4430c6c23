"""The example of vladser as a library runs."""

import os
import runpy
import subprocess
import sys

import documented
import pytest
from launching import ROOT


def example(*changes):
    _, section = documented.page("docs/extending.md").split("## As a library")
    (code,) = documented.blocks(section, "python")
    for text, instead in changes:
        assert text in code
        code = code.replace(text, instead)
    return code


@pytest.mark.slow
def test_the_example_runs_with_a_pooling_of_ones_own(corpus, tmp_path, monkeypatch):
    """On the tones, with the README's pooling, for one epoch instead of ten."""
    file, cache = (flag.partition("=")[2] for flag in corpus[1:])
    changes = [
        ('"emodb", Path("EMODB")', f'"manifest", Path({file!r})'),
        ('Path("cache")', f"Path({cache!r})"),
        ('"mean"', '"my_pooling.soft_maximum"'),
        ("epochs=10", "epochs=1"),
    ]
    (tmp_path / "example.py").write_text(example(*changes))
    name, code = documented.own_poolings("README.md")[0]
    (tmp_path / name).write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    found = runpy.run_path(str(tmp_path / "example.py"), run_name="__main__")
    odds = found["outcome"].probabilities
    assert odds.shape == (1, 4, 32, 4)
    tested = [odds[0, fold, found["data"].speaker == fold] for fold in range(4)]
    assert all(abs(one.sum(axis=1) - 1).max() < 1e-5 for one in tested)


@pytest.mark.long
def test_the_example_runs(tmp_path):
    pytest.importorskip("espeakng_loader")
    # The demo instead of EMO-DB (304 of its 371 utterances are of these emotions: the
    # 67 excited are not asked for), and one epoch instead of ten.
    script = tmp_path / "example.py"
    script.write_text(example(('"emodb"', '"demo"'), ("epochs=10", "epochs=1")))
    run = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.stdout == "(1, 10, 304, 4)\n", run.stderr
