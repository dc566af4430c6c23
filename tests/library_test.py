"""The example of vladser as a library runs."""

import runpy

import documented
import pytest


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
    _, section = documented.page("docs/extending.md").split("## As a library")
    (code,) = documented.blocks(section, "python")
    for text, instead in changes:
        assert text in code
        code = code.replace(text, instead)
    (tmp_path / "example.py").write_text(code)
    name, code = documented.own_poolings("README.md")[0]
    (tmp_path / name).write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    names = runpy.run_path(str(tmp_path / "example.py"), run_name="__main__")
    of_folds = names["outcome"].probabilities
    assert [tested.shape for tested in of_folds] == [(1, 1, 8, 4)] * 4
    assert all(abs(tested.sum(axis=-1) - 1).max() < 1e-5 for tested in of_folds)
